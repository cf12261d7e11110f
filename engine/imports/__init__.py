"""Tables of other programs become records: read, mapped, checked, brought in, and taken back."""
