"""The model: a base, an adapter trained on the dataset by PEFT. Torch and friends are imported inside functions.

Importing this package fixes which kernels they compute with, before they are loaded.
"""

from prodabuild.training.kernels import fix

fix()
