"""Regression features: P(complete | start) with its calibration, and trends of titles and viewers.

Only ``completion`` and ``prequential`` import statsmodels (and so pandas): predicting takes
``published`` and ``logit`` alone.
"""
