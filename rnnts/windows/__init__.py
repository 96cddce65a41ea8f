"""WindowSet and its tf.data pipeline: which windows exist and how they reach a network."""
