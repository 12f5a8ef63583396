"""The cache: facts remembered, one flight for all who ask, honest about age. Facts, never decisions."""
