"""The trap matrix: what happens to a small build, and what each build system makes of it."""
