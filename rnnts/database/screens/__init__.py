"""What the page reads: each function one short query, with an end to what it returns."""
