"""Pictures on paper and in a file: fan charts and the learning-rate sweep."""
