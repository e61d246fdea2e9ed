"""Regression features: P(complete | start) with its calibration, and trends of titles and viewers.

Only ``completion`` imports statsmodels (and so pandas): whoever predicts needs ``logit`` alone.
"""
