"""Every key and word has a Chinese and an English spelling, and both say the same."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import fields, is_dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from lianxing.engine.compiling import load_policy
from lianxing.engine.layers import Shelf
from lianxing.engine.reading.cases import read_cases
from lianxing.engine.reading.vocabulary import KEYS, WORDS
from lianxing.rules.cases import Case
from lianxing.rules.places import Location
from lianxing.rules.policy import Policy
from lianxing.rules.problems import PolicyError, Problem

# Every key and every word of the chapters, in English. `K_` marks a key, `W_` a word, `S_` whose property a fact is.
CHAPTERS = {
    "county.yaml": """
K_county: town
K_title: {K_zh: 示例, K_en: an example}
K_region: "430223"
K_in_force: {K_from: 2020-01-01, K_until: 2029-12-31, K_counts_from: 2019-01-01}
K_time_zone: Asia/Shanghai
K_source: {K_title: 办法, K_issuer: 民政局, K_year: "2024", K_grade: B, K_status: W_trial}
K_facts:
  category: {K_values: {training: {K_label: 培训, K_codes: ["0001", "1"]}, relief: {}}}
  evaluation: {K_values: {good: {}, poor: {}}}
  skill: {K_type: W_text, K_scope: S_person, K_spelling: 特长, K_meaning: 专长, K_values: {music: {}}}
  steps: {K_type: W_whole, K_scope: S_record}
  temperature: {K_type: W_number, K_scope: S_record}
  fair_day: {K_type: W_yes_no, K_scope: S_record}
  signed_on: {K_type: W_date, K_scope: S_person}
  signed_at: {K_type: W_time, K_scope: S_record}
  travel: {K_type: W_duration, K_scope: S_record}
  gift: {K_type: W_money, K_scope: S_record}
  taken: {K_type: W_points, K_scope: S_record}
  away: {K_type: W_days, K_scope: S_record}
  full_time: {K_type: W_months, K_scope: S_person}
K_holidays: CN
K_campaigns:
  lei_feng_month: {K_every_year: ["03-01", "03-31"], K_label: {K_zh: 学雷锋月, K_en: Lei Feng month}}
  epidemic: {K_from: 2020-01-24, K_until: 2020-02-24}
  new_year: {K_lunar: ["12-23", "01-15"]}
  double_ninth_week: {K_festival: double_ninth, K_days_before: 3, K_days_after: 3}
""",
    "measures.yaml": """
served: {K_sum: W_hours, K_over: W_all_time, K_source: {K_clause: 第一条, K_status: W_in_force}}
earned: {K_sum: W_points, K_over: {K_calendar: W_calendar_year}, K_source: {K_status: W_repealed}}
times: {K_count: W_records, K_over: {K_rolling: 12 months}, K_where: {category: {K_missing: no}}}
mean_steps: {K_mean: steps, K_over: {K_calendar: W_quarter}, K_source: {K_status: W_illustrative}}
share_good: {K_share: {evaluation: good}, K_over: {K_calendar: W_week}}
in_one: {K_sum: W_hours, K_best_of: activity, K_over: {K_previous: W_half_year}}
projects: {K_distinct: activity, K_over: {K_from: 2021-01-01, K_until: 2022-01-01}}
people: {K_distinct: W_volunteer, K_over: W_since_award}
most: {K_largest: W_points, K_over: W_all_time}
least: {K_smallest: steps, K_over: W_all_time}
began: {K_first: W_day, K_over: W_all_time}
lately: {K_last: steps, K_over: W_all_time}
in_a_row: {K_streak: {K_of: W_hours, K_at_least: 1 hour, K_per: W_month, K_which: W_current}, K_over: W_all_time}
ever: {K_streak: {K_of: W_records, K_at_least: 1, K_per: W_week, K_which: W_longest}, K_over: W_all_time}
sheet:
  K_score:
    K_combine: W_highest
    K_at_most: 50 points
    K_rules:
      - {K_item: {K_by: age, 60: 2, K_default: 1, K_missing: 0}, K_when: {tenure: {K_at_least: 1 year}}}
      - {K_of: served, K_bands: [{K_at_least: 10 hours, K_points: 1}, {K_more_than: 20 hours, K_points: 2}]}
      - {K_of: times, K_every: 1, K_points: -1, K_at_most: 5}
""",
    "review.yaml": """
look_through:
  K_stage: {K_from_state: applied, K_to_state: reviewed, K_by: 社区, K_deadline: 5 working days}
  K_when: {category: training}
posting:
  K_notice:
    K_of: W_hours
    K_from_state: filed
    K_to_state: effective
    K_by: county
    K_deadline: 7 working days
    K_objection: W_suspends
    K_appeal: {K_deadline: 10 working days, K_by: city}
points_posting: {K_notice: {K_of: W_points, K_deadline: 7 days, K_objection: W_goes_on}}
stars_posting: {K_notice: {K_of: W_stars, K_deadline: 7 days, K_objection: W_goes_on}}
goods_posting: {K_notice: {K_of: W_redemption, K_deadline: 7 days, K_objection: W_goes_on}}
best_posting: {K_notice: {K_of: W_commendation, K_deadline: 7 days, K_objection: W_goes_on}}
bad_posting: {K_notice: {K_of: W_sanctions, K_deadline: 1 month, K_objection: W_goes_on}}
mistakes: {K_correction: {K_deadline: 15 working days, K_verified_by: 活动组织者}}
spot_checks: {K_spot_check: {K_share: 5 %, K_per: W_quarter, K_by: 民政局}}
kept: {K_retention: {K_at_least: 10 years}}
how_evaluated:
  K_evaluation:
    K_axes: [punctuality, attitude]
    K_combine: W_mean
    K_round: {K_to: 0.01, K_direction: W_half_up}
    K_default: 5
    K_evaluators: [recipient, community]
    K_deadline: 10 working days
    K_late: W_missing
    K_grades: [{K_at_least: 4, K_grade: good}, {K_at_least: 0, K_grade: poor}]
""",
    "hours.yaml": """
- {K_id: a, K_count: {K_any: [{category: training}, {K_all: [{category: relief}, {K_not: {on_duty: yes}}]}]}}
- K_id: b
  K_exclude: {duration: {K_more_than: 20 hours}, age: {K_less_than: 14}, weekday: {K_within: [1, 5]}}
  K_overrides: no
- {K_id: c, K_split: W_midnight, K_when: {category: {K_not: relief}}}
- {K_id: d, K_overlap: {K_rule: W_refuse, K_touching: yes}, K_when: {fair_day: no}}
- {K_id: e, K_overlap: {K_rule: W_first, K_touching: no}, K_when: {fair_day: yes}}
- {K_id: f, K_overlap: {K_rule: W_merge, K_touching: no}, K_when: {fair_day: {K_missing: yes}}}
- {K_id: g, K_round: {K_to: 30 minutes, K_each: W_record, K_direction: W_down}}
- {K_id: h, K_round: {K_to: 36 seconds, K_each: W_running_total, K_direction: W_half_even}}
- {K_id: i, K_limit: {K_per: W_day, K_at_most: 8 hours, K_overflow: W_lost}, K_label: 每日}
- {K_id: j, K_limit: {K_per: W_activity, K_at_most: 30 hours, K_overflow: W_lost}, K_before: i}
- {K_id: k, K_limit: {K_per: W_month, K_at_most: 90 hours, K_overflow: W_lost}, K_after: j}
- {K_id: h1, K_hold: {state: reviewed}}
- {K_id: h2, K_revoke: {kind: revocation}}
- {K_id: h3, K_no_hours: {category: training}}
- {K_id: h4, K_split: {K_at: [W_midnight, "22:00"], K_share_of_breaks: W_pro_rata}, K_before: d}
- {K_id: h5, K_split: {K_at: "06:00", K_share_of_breaks: W_in_order}, K_before: d}
- {K_id: h6, K_add_time: {K_of: travel_time, K_per: W_day, K_at_most: 2 hours}}
- {K_id: h7, K_deduct_time: {K_of: rest_time}}
- {K_id: h8, K_minimum: 30 minutes}
- {K_id: h14, K_counts_as: {K_by: category, training: 50 %, K_default: 100 %}}
- {K_id: h9, K_limit_records: {K_per: W_day, K_at_most: 3, K_within_same: activity}}
- {K_id: h10, K_limit: {K_per: W_balance, K_at_most: 1500 hours, K_overflow: W_donation_pool}}
- {K_id: h11, K_limit: {K_per: W_half_year, K_at_most: 500 hours, K_overflow: W_honour}}
- {K_id: h12, K_limit: {K_per: W_record, K_at_most: {K_fact: activity_duration}, K_overflow: W_lost}}
- {K_id: h13, K_exclude: {recorded_on: {K_more_than: {K_fact: evaluated_on, K_plus: 10 working days}}}}
""",
    "earning.yaml": """
- K_id: l
  K_points_per_hour: {K_by: [category, complaint], training: {yes: 0, K_default: 1}, K_default: 2, K_missing: 0.5}
- {K_id: m, K_points_per_event: {K_by: category, K_table: events.csv}}
- {K_id: n, K_multiply: 1.5, K_when: {category: training}}
- {K_id: o, K_add: {2020-01-01: 1, 2024-01-01: -1}}
- {K_id: p, K_zero: {complaint: yes}}
- {K_id: q, K_round: {K_to: 0.1 points, K_each: W_record, K_direction: W_half_up}}
- {K_id: r, K_round: {K_to: 1 point, K_each: W_month, K_direction: W_up}}
- {K_id: s, K_limit: {K_per: W_calendar_year, K_at_most: 20 points, K_overflow: W_lost}}
- {K_id: s1, K_limit: {K_per: W_quarter, K_at_most_share: 20 %, K_overflow: W_lost}, K_when: {category: training}}
- K_id: s2
  K_multiply: {K_combine: W_max, K_rules: [{K_when: {weekday: 7}, K_value: 2}, {K_value: 1}]}
  K_when: {category: relief, duration: {K_more_than: 1 hour}}
- K_id: s8
  K_multiply: {K_combine: W_product, K_rules: [{K_value: 2}, {K_value: 1}]}
  K_when: {category: relief, duration: {K_at_most: 1 hour}}
- {K_id: s3, K_add: {K_combine: W_sum, K_rules: [{K_value: 1}, {K_value: 2}]}}
- {K_id: s4, K_add: {K_combine: W_first, K_rules: [{K_value: 1}, {K_value: 2}]}}
- K_id: s5
  K_brackets:
    K_of: W_hours
    K_each: W_running_total
    K_part: W_counted
    K_steps: [{K_up_to: 20 hours, K_every: 1 hour, K_points: 1}, {K_up_to: W_unlimited, K_every: 2 hours, K_points: 1}]
- {K_id: s6, K_bands: {K_of: W_records, K_each: W_week, K_steps: [{K_at_least: 3, K_points: 1}]}}
- {K_id: s9, K_round: {K_to: 0.1 points, K_each: W_record, K_direction: W_half_up}}
- {K_id: s10, K_limit: {K_of: o, K_per: W_month, K_at_most: 10 points, K_overflow: W_lost}}
- {K_id: s11, K_floor: {K_per: W_running_total, K_at_least: 0 points}}
- {K_id: s7, K_round: {K_to: 0.1 points, K_each: W_record, K_direction: W_half_up}}
""",
    "stars.yaml": """
K_award:
  K_by: application
  K_sequence: one_by_one
  K_round_of: W_calendar_year
  K_cut_off: "12-31"
  K_notice: 7 working days
  K_below: keep
  K_valid: 3 years
  K_approver: {1: 县, 2: 市}
  K_direct: {proof: yes}
  K_select: {2: the_best}
  K_number: permanent
  K_automatic_up_to: 1
K_lowers_the_basis: {K_spending: no, K_expiry: no, K_revocation: yes}
K_levels:
  1: {served: {K_at_least: 100 hours}}
  2: {served: {K_at_least: 300 hours}, share_good: {K_at_least: 60 %}}
K_titles: {2: {K_zh: 二星, K_en: second}}
K_grants: {2: 25 points}
""",
    "sanctions.yaml": """
absent:
  K_when: {times: {K_at_least: 5}}
  K_effects:
    K_registration: W_cancelled
    K_star: W_lowered
    K_points: W_frozen
    K_hours: W_kept
    K_black_list: yes
    K_perks: W_stopped
    K_redemption: W_suspended
    K_entry: W_suspended
    K_commendation: W_excluded
  K_lasts: W_until_restored
  K_restored: {K_waits: 12 months, K_serves: 100 hours}
  K_repair: {K_of: served, K_paid: 10 hours, K_once_per: W_record}
  K_report: {K_to: [单位], K_consent: yes}
  K_notice: 7 working days
owing:
  K_when: {served: {K_less_than: 1 hour}}
  K_effects: {K_registration: W_kept, K_star: W_kept, K_points: W_kept, K_hours: W_kept, K_black_list: no}
  K_lasts: W_while_true
banned:
  K_when: {served: {K_less_than: 1 hour}}
  K_effects: {K_registration: W_kept, K_star: W_kept, K_points: W_kept, K_hours: W_kept, K_black_list: no}
  K_lasts: W_for_ever
""",
    "perks.yaml": """
park: {K_stars: {K_at_least: 1}, K_uses: W_unlimited, K_provider: 园林局}
clinic:
  K_stars: [1, 2]
  K_when: {tenure: {K_at_least: 1 year}}
  K_pays: {K_by: stars, 1: 90 %, 2: 0 %}
  K_uses: {K_at_most: 12, K_per: W_calendar_year}
  K_provider: 医院
ride:
  K_stars: 2
  K_worth: {K_by: stars, 2: 30 yuan}
  K_uses: {K_pass: 6 months}
  K_sites: [山王坪]
  K_department: 交通局
  K_legal_ground: 条例第三十条
  K_beneficiaries: [W_self, W_spouse, W_child, W_parent]
  K_consent: yes
  K_shows: W_token
  K_card: {K_valid: 3 years, K_lending: W_forbidden}
  K_available: {K_from: 2024-01-01, K_until: 2024-12-31}
  K_on_downgrade: W_keep
  K_provider: 公交公司
badge:
  K_when: {served: {K_at_least: 500 hours}}
  K_uses: {K_each_full: {K_of: served, K_amount: 500 hours}}
  K_shows: W_certificate
  K_card: {K_valid: 1 year, K_lending: W_allowed}
  K_on_downgrade: W_lose
  K_provider: 文明办
show: {K_stars: 2, K_uses: W_unlimited, K_shows: W_card, K_provider: 剧院}
one_of_two:
  K_choose: {K_at_most: 1, K_per: W_half_year, K_among: [ride, show]}
""",
    "accounts.yaml": """
wallet:
  K_holder: W_person
  K_unit: W_points
  K_earned_from: W_points
  K_spent_on: [W_goods, W_service, W_discount, W_entitlement, W_donation]
  K_expires: W_never
  K_spends_first: W_oldest
  K_storage: W_unlimited
  K_overdraft: W_none
  K_transfer: W_none
  K_shortfall: W_debt
  K_whole_only: W_no
  K_holds: 9 days
lots:
  K_holder: W_family
  K_unit: W_points
  K_earned_from: W_nothing
  K_spent_on: [W_goods]
  K_expires: {K_at_end_of: W_calendar_year}
  K_spends_first: W_soonest_to_expire
  K_storage: {K_at_most: 1500 points, K_overflow: W_honour}
  K_overdraft: {K_floor: -10 points}
  K_transfer: W_none
  K_shortfall: W_clamp
  K_whole_only: W_rest_lost
  K_issue: [{K_when: {age: {K_at_least: 80}}, K_amount: 10 points, K_per: W_once, K_provider: 基金}]
cleared:
  K_holder: W_organisation
  K_unit: W_hours
  K_earned_from: served
  K_spent_on: [W_service]
  K_expires: W_after_redemption
  K_spends_first: W_newest
  K_storage: {K_at_most: 1500 hours, K_overflow: W_donation_pool}
  K_overdraft: W_unlimited
  K_transfer: {K_to_whom: [W_spouse, W_lineal_relative, W_friend, W_needy_elder, W_institution, W_pool]}
  K_shortfall: W_forbid
  K_whole_only: W_rest_carried
  K_closure: {K_death: W_inherited, K_moving: W_portable, K_leaving: W_to_pool, K_reopens: [W_moving, W_leaving]}
pool:
  K_holder: W_pool
  K_unit: W_hours
  K_earned_from: W_hours
  K_when: {age: {K_less_than: 18}}
  K_spent_on: [W_donation, W_service]
  K_expires: {K_valid: 3 years}
  K_spends_first: W_oldest
  K_storage: W_unlimited
  K_overdraft: {K_borrow: pool}
  K_transfer: W_none
  K_shortfall: W_debt
  K_holds: 3 days
  K_family: {K_may_draw: yes, K_pooled: no}
  K_closure: {K_death: W_lost, K_moving: W_lost, K_leaving: W_lost, K_reopens: W_none}
""",
    "redemption.yaml": """
soap:
  K_account: wallet
  K_price: {K_by: stars, 0: 12 points, K_default: 10 points}
  K_gives: W_voucher
  K_when: {served: {K_at_least: 10 hours}, registration: active}
  K_opens: {K_every_year: ["01-01", "01-31"], K_from: 2024-01-01, K_until: 2029-12-31, K_at_most: 1, K_per: W_quarter}
  K_per_person: {K_at_most: 2, K_per: W_all_time}
  K_stock: 100
  K_irreversible: yes
  K_voucher: {K_valid: 1 year}
  K_partial: {K_at_least: 50 %, K_exchange: 1 yuan}
  K_swap: no
  K_pick_up: [W_qr_code, W_identity]
  K_publish: yes
  K_watermark: no
  K_suppliers: [{K_provider: 单位, K_at_least: 1000 yuan, K_per: W_half_year}]
  K_settlement: W_month
  K_approver: {K_by: 社区, K_deadline: 3 days}
  K_provider: 超市
help:
  K_account: pool
  K_price: 2 hours
  K_gives: W_service
  K_opens: W_always
  K_per_person: W_unlimited
  K_stock: W_unlimited
  K_irreversible: no
  K_provider: 社区
""",
    "transition.yaml": """
once: {K_on_day: 2021-01-01, K_points: {K_convert: 0.5}, K_hours: W_keep, K_stars: W_rated_again}
again:
  K_on_day: 2023-01-01
  K_points: {K_carry_over: {K_at_most: 100 points}}
  K_hours: W_restart
  K_stars: W_keep
  K_accounts: {wallet: W_restart}
""",
    "commendation.yaml": """
the_best:
  K_for: W_person
  K_period: W_calendar_year
  K_eligible: {served: {K_at_least: 20 hours}}
  K_exceptions: {age: {K_more_than: 60}}
  K_excludes: {K_winners_of: [the_best], K_over: 3 years}
  K_quota: {K_share: 1 %, K_of: W_members, K_direction: W_down}
  K_prefers: {stars: {K_at_least: 2}}
  K_rank_by: [{served: W_high}, {age: W_low}]
  K_ties: W_all_in
  K_stages: [{K_stage: 推荐, K_by: 社区, K_deadline: 10 working days}, {K_stage: 评选, K_by: 文明办}]
  K_recommends_to: 市文明办
best_team:
  K_for: W_organisation
  K_period: {K_rolling: 12 months}
  K_eligible: {served: {K_at_least: 20 hours}}
  K_excludes: {K_winners_of: [best_team], K_over: W_all_time}
  K_quota: {K_share: 1 %, K_of: W_eligible, K_direction: W_up, K_within_same: home_team}
  K_rank_by: [{served: W_high}]
  K_ties: W_none_in
of_the_month:
  K_for: W_person
  K_period: W_month
  K_eligible: {served: {K_at_least: 20 hours}}
  K_quota: {K_share: 1 %, K_of: W_registered, K_direction: W_half_up}
  K_rank_by: [{served: W_high}]
  K_ties: W_undecided
""",
    "menu.yaml": """
cleaning:
  K_request: 家政
  K_recipients: [W_self, W_spouse]
  K_eligible: {age: {K_at_least: 60}}
  K_recipient_is: {age: {K_at_least: 60}}
  K_rank_by: [{served: W_high}, {age: W_low}]
  K_ties: W_earliest_registered
  K_notice: 3 working days
talking:
  K_request: 聊天
  K_recipients: [W_self]
  K_eligible: {age: {K_at_least: 60}}
  K_rank_by: [{served: W_high}]
  K_priced: {K_account: pool, K_price: 1 hour, K_per: W_hour}
  K_ties: W_all
  K_served_by:
    K_eligible: {skill: music, related: {K_not: yes}}
    K_rank_by: [{paired: W_high}, {on_roster: W_high}]
    K_ties: W_earliest_registered
  K_deadlines: {K_matched: 10 days, K_served: 1 month, K_confirmed: 5 working days, K_evaluated: 9 days}
  K_on_silence: W_confirms
  K_recorded_as: applied
listening:
  K_request: 倾听
  K_recipients: [W_self]
  K_eligible: {age: {K_at_least: 60}}
  K_rank_by: [{served: W_high}]
  K_ties: W_all
  K_deadlines: {K_confirmed: 7 days}
  K_on_silence: W_lapses
""",
    "cases.yaml": """
- K_name: redeeming
  K_on: 2024-01-15
  K_given: {served: 10 hours}
  K_offer: soap
  K_units: 2
  K_balance: 10 points
  K_redeemed: [{K_offer: soap, K_on: 2023-01-15, K_units: 1, K_merchant: 甲}]
  K_with: {K_merchant: 甲, K_site: 乙, K_for_whom: W_self, K_given_out: 9, K_lent: no, K_once_held: 2}
  K_redemption: W_refused
  K_why: [W_suspended, W_not_eligible, W_closed, W_too_often, W_per_person, W_stock, W_balance, W_watermark, W_no_price]
  K_costs: 20 points
  K_cash: 1 yuan
  K_published: yes
- K_name: fetching
  K_on: 2024-06-15
  K_offer: soap
  K_issued_on: 2023-06-15
  K_with: {K_shown: [W_identity], K_supplied: {单位: 900 yuan}}
  K_why:
    [W_void, W_not_begun, W_not_issued, W_pick_up, W_not_open, W_beneficiary, W_site, W_lent, W_expired, W_uses,
     W_choice]
  K_to_supply: {单位: 100 yuan}
- K_name: turns
  K_on: 2024-06-15
  K_menu: cleaning
  K_candidates: [{K_candidate: a, K_person: {age: 60}, K_given: {served: 1 hour}}]
  K_ranked: {a: 1}
  K_ineligible: []
- K_name: for another one
  K_on: 2024-06-15
  K_menu: cleaning
  K_with: {K_for_whom: W_spouse}
  K_candidates: [{K_candidate: a, K_person: {age: 60}, K_recipient: {K_facts: {age: 60}}}]
  K_ranked: {a: 1}
- K_name: who goes
  K_on: 2024-06-15
  K_menu: talking
  K_recipient: {K_id: r, K_facts: {age: 60}, K_paired: [a], K_on_roster: [a], K_family: [], K_withdrew: []}
  K_candidates: [{K_candidate: a, K_person: {skill: music}}]
  K_ranked: {a: 1}
- K_name: step by step
  K_on: 2024-06-15
  K_record: {state: applied, duration: 1 hour, category: training}
  K_course:
    - {K_on: 2024-06-15, K_do: advanced, K_by: 社区, K_actor: 甲}
    - {K_on: 2024-06-15, K_do: outcome, K_by: 社区, K_upheld: yes}
  K_comes_to: reviewed
  K_not_allowed: not_in_this_state
- {K_name: back, K_on: 2024-06-15, K_offer: soap, K_asks: W_withdrawal, K_why: [W_irreversible, W_no_swap]}
- {K_name: swapped, K_on: 2024-06-15, K_offer: soap, K_asks: W_swap, K_redemption: W_allowed}
- {K_name: asked, K_on: 2024-06-15, K_offer: soap, K_balance: 9 points, K_awaits: {K_by: 社区, K_due: 2024-06-18}}
- {K_name: had, K_on: 2024-06-15, K_offer: soap, K_asks: W_handover, K_with: {K_approved: no}, K_why: W_awaits_approval}
- K_name: approving
  K_on: 2024-06-15
  K_offer: soap
  K_asks: W_approval
  K_with: {K_by: 社区, K_actor: 甲}
  K_why: [W_not_the_role, W_own_matter, W_before_the_last_step, W_no_approver]
- {K_name: worth, K_on: 2024-06-15, K_given: {stars: 2}, K_worths: {ride: 30 yuan}}
- K_name: moving
  K_on: 2024-06-15
  K_account: pool
  K_moves:
    - {K_on: 2024-01-01, K_earned: 5 hours, K_family: yes}
    - {K_on: 2024-01-02, K_issued: 1 hour}
    - {K_on: 2024-01-03, K_spent: 1 hour, K_gives: W_service}
    - {K_on: 2024-01-04, K_given_away: 1 hour, K_to_whom: W_friend}
    - {K_on: 2024-01-05, K_taken_back: 1 hour}
    - {K_on: 2024-01-05, K_received: 1 hour}
    - {K_on: 2024-01-06, K_reserved: 1 hour, K_id: A}
    - {K_on: 2024-01-06, K_settled: A}
    - {K_on: 2024-01-06, K_released: A}
    - {K_on: 2024-01-06, K_refunded: A}
    - {K_on: 2024-01-07, K_closes: W_death}
    - {K_on: 2024-01-07, K_closes: W_moving}
    - {K_on: 2024-01-07, K_closes: W_leaving}
  K_why:
    - W_holder
    - W_family
    - W_spent_on
    - W_transfer
    - W_shortfall
    - W_holds
    - W_closure
    - W_issue
    - W_amount
    - W_hold
    - W_hold_over
    - W_hold_runs
    - W_refund
  K_leaves:
    K_balance: 1 hour
    K_available_balance: 1 hour
    K_went: {W_expired: 1 hour, W_borrowed: 1 hour, W_written_off: 1 hour, W_transition: 1 hour}
- K_name: one
  K_on: 2024-06-15
  K_person: {registered_on: 2020-01-01, age: 30}
  K_record: {category: training, K_start: 09:00, K_end: "11:00", K_on: 2024-06-14, K_id: R1, duration: 1 hour}
  K_earns: {K_points: 2, K_hours: 1, K_pending: {K_points: 0}, K_overflows: {W_donation_pool: 0 hours}}
  K_because: [l]
  K_measures: {served: 1 hour}
  K_source: {K_title: 办法}
- {K_name: due, K_on: 2024-09-27, K_stage: look_through, K_started: 2024-09-27, K_due: 2024-10-08}
- K_name: objected
  K_on: 2024-09-27
  K_stage: posting
  K_objected_on: 2024-10-08
  K_settled_on: 2024-10-10
  K_due: 2024-10-16
- {K_name: waits, K_on: 2024-09-27, K_stage: posting, K_objected_on: 2024-10-08, K_due: W_suspended}
- {K_name: spot checks, K_on: 2024-09-27, K_stage: spot_checks, K_reported: 130, K_checked: 7}
- {K_name: open, K_on: 2024-06-15, K_record: {state: applied, duration: 1 hour}, K_open_stages: []}
- K_name: decided
  K_on: 2024-06-15
  K_records: [{kind: star_application, star_applied: 1}]
  K_star_held: 0
  K_decisions: [{K_on: 2024-06-15, K_star: 1, K_outcome: refused, K_why: condition}]
  K_sanctions: []
  K_standing_effects: {K_registration: W_kept, K_black_list: no}
- K_name: commended
  K_on: 2024-06-15
  K_commend: the_best
  K_members: 100
  K_candidates:
    - {K_candidate: A, K_person: {age: 30}, K_given: {served: 30 hours}}
    - {K_candidate: B, K_records: [{duration: 1 hour, K_volunteer: V1}]}
  K_selected: [A]
  K_reserve: []
  K_undecided: []
  K_exceptions: []
  K_ineligible: [B]
- K_name: two
  K_on: 2024-06-15
  K_records: [{duration: 1 hour}]
  K_refused_by: a
- K_name: three
  K_on: 2024-06-15
  K_given: {served: 100 hours, stars: 1}
  K_price: 20 yuan
  K_star: 1
  K_perks: {park: 20 yuan}
  K_still_missing: {served: 200 hours}
""",
}
FILES = {"events.csv": "category,value\ndefault,1\n"}
# Keys and words of other files than the chapters of a county.
ELSEWHERE = {
    *("mapping", "registry", "duration", "unit", "breaks", "tolerance", "volunteers", "column", "constant"),
    *("volunteer", "started_at", "ended_at", "born_on", "version"),
    *("lowest", "anybody", "counts"),  # a county evaluates in one way: tests/engine/test_review.py has the others
    *("build_from", "based_on", "remove", "minutes", "seconds", "yes", "no", "person"),
}


def spelled(text: str, chinese: bool) -> str:
    spellings = {"K": KEYS, "W": WORDS, "S": {"record": "记录", "person": "志愿者"}}
    return re.sub(r"([KWS])_([a-z_]+)", lambda found: spellings[found[1]][found[2]] if chinese else found[2], text)


def written(root: Path, chinese: bool, change: dict[str, str] | None = None) -> Shelf:
    (root / "town").mkdir(parents=True)
    for name, text in (
        {name: spelled(text, chinese) for name, text in CHAPTERS.items()} | FILES | (change or {})
    ).items():
        (root / "town" / name).write_text(text, encoding="utf-8")
    return Shelf((("test", root),))


def read(root: Path, chinese: bool) -> tuple[Policy, tuple[Case, ...]]:
    shelf = written(root, chinese)
    folder = shelf.folder("town")
    assert folder is not None
    policy = load_policy(folder, shelf)
    problems: list[Problem] = []
    cases = read_cases(folder, policy, problems)
    assert [problem.text("en") for problem in problems] == []
    return policy, cases


@cache
def nowhere() -> Location:
    return Location("", 0, 0)


def placeless(shape: object) -> object:
    """Return a shape with every place left out, since the two spellings differ in length."""
    if isinstance(shape, Location):
        return nowhere()
    if isinstance(shape, tuple):
        return tuple(map(placeless, shape))
    if isinstance(shape, dict):
        return {key: placeless(value) for key, value in shape.items()}
    if is_dataclass(shape) and not isinstance(shape, type):
        return replace(shape, **{field.name: placeless(getattr(shape, field.name)) for field in fields(shape)})
    return shape


def test_a_policy_in_chinese_is_the_policy_in_english(tmp_path: Path) -> None:
    english, english_cases = read(tmp_path / "en", chinese=False)
    chinese, chinese_cases = read(tmp_path / "zh", chinese=True)
    assert placeless(replace(chinese, digest="")) == placeless(replace(english, digest=""))
    assert placeless(chinese_cases) == placeless(english_cases)


def test_the_example_uses_every_key_and_every_word() -> None:
    text = "".join(CHAPTERS.values())
    assert set(re.findall(r"K_([a-z_]+)", text)) >= set(KEYS) - ELSEWHERE
    assert set(re.findall(r"W_([a-z_]+)", text)) >= set(WORDS) - ELSEWHERE - {"duration"}


def test_no_two_keys_share_a_chinese_spelling_and_no_key_is_both() -> None:
    assert [zh for zh, count in Counter(KEYS.values()).items() if count > 1] == []
    assert not set(KEYS) & set(KEYS.values())


def problems_with(root: Path, chinese: bool, chapter: str, text: str) -> list[Problem]:
    shelf = written(root, chinese, {chapter: text})
    folder = shelf.folder("town")
    assert folder is not None
    problems: list[Problem] = []
    try:
        read_cases(folder, load_policy(folder, shelf), problems)
    except PolicyError as error:
        problems = list(error.problems)
    return problems


@pytest.mark.parametrize("chapter", sorted(CHAPTERS))
def test_a_chapter_that_mixes_the_scripts_is_refused_at_the_first_key_of_the_other(
    chapter: str, tmp_path: Path
) -> None:
    english, chinese = (spelled(CHAPTERS[chapter], script).splitlines(keepends=True) for script in (False, True))
    last = max(number for number, line in enumerate(english) if line != chinese[number])
    problems = problems_with(tmp_path, False, chapter, "".join([*english[:last], chinese[last], *english[last + 1 :]]))
    assert {problem.code for problem in problems} == {"P013"}
    assert problems[0].location.line == last + 1
    assert problems[0].hint in KEYS


@pytest.mark.parametrize("chapter", ["accounts.yaml", "cases.yaml", "county.yaml", "menu.yaml"])
def test_one_odd_key_at_the_head_of_a_file_is_odd_and_not_all_those_after_it(chapter: str, tmp_path: Path) -> None:
    odd, right = re.search(r"K_([a-z_]+):", CHAPTERS[chapter]), spelled(CHAPTERS[chapter], chinese=True)
    assert odd is not None
    (problem,) = problems_with(tmp_path, True, chapter, right.replace(f"{KEYS[odd[1]]}:", f"{odd[1]}:", 1))
    assert (problem.code, dict(problem.details)["key"], problem.hint) == ("P013", odd[1], KEYS[odd[1]])


def test_where_as_many_keys_are_in_either_script_the_first_one_says_which_is_odd(tmp_path: Path) -> None:
    text = "- id: one\n  每小时积分: 1\n"
    assert [one.hint for one in problems_with(tmp_path, True, "earning.yaml", text)][:1] == ["points_per_hour"]


@pytest.mark.parametrize(
    ("chapter", "right", "wrong", "said"),
    [
        ("accounts.yaml", "持有人: ", "持有人 ", "此处不应有冒号"),
        ("hours.yaml", "}\n", "\n", "花括号里少了逗号，或没有“}”"),
        ("menu.yaml", "[本人, 配偶]", "[本人, 配偶", "方括号里少了逗号，或没有“]”"),
        ("measures.yaml", "合计: 时长", "合计: 甲", "“甲”不能统计；可用：时长, "),
        ("redemption.yaml", "折算: 1 yuan", "折算: 1", "是否想写“1 元”"),
        ("transition.yaml", "施行日: ", "实施日: ", "此处可写：施行日, "),
        ("redemption.yaml", "10 hours", "10 个", "（写作 30 分钟）"),
    ],
)
def test_what_is_wrong_with_a_chinese_file_is_said_in_chinese(
    chapter: str, right: str, wrong: str, said: str, tmp_path: Path
) -> None:
    text = spelled(CHAPTERS[chapter], chinese=True)
    assert right in text
    told = [one.text("zh") for one in problems_with(tmp_path, True, chapter, text.replace(right, wrong, 1))]
    assert any(said in one for one in told), told
