"""Training samples: recipes that make them from records, shards that hold them, the dataset that trainers read."""
