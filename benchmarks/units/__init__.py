"""Ten thousand small units, the same for every build system: a text of 2 to 4 KB goes in, its upper case comes out."""
