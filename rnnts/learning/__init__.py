"""Training in a budget, calibration, baselines, metrics, scorecards and the gate."""
