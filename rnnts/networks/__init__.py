"""Recurrent networks with Lambda scaling and quantile heads."""
