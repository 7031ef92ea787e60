"""What a policy can say: frozen shapes in the order of the regulation.

No input or output, standard library only. One module per noun of the regulation: the chapter `stars.yaml` says it,
`rules/stars.py` gives it a shape, `engine/stars.py` works it out.
"""
