"""The model: a base, an adapter trained on the dataset by PEFT. Torch and friends are imported inside functions."""
