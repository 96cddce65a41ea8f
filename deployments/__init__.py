"""How rnnts runs: on one machine in one command, or on a Prefect server of yours."""
