"""Reward policies as code for volunteer service."""
