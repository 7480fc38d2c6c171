"""prodabuild: `make` for what a language model is taught.

Data path:  sources -> knowledge -> shards -> dataset -> model -> results   (patches overlay knowledge)
Imports:    cli > project > evaluation > training > suites > shards > knowledge > sources > manifest
            > engine > yamlio | digest | events | segments > paths | problems > errors > escaping   (only to the right)
"""

__version__ = "0.1.0"
