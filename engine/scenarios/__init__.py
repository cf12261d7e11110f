"""Playing the scenarios of a definition: in a database of their own, on a clock that is put forward, with nothing
leaving the process."""
