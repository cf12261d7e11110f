"""Planning: material, machines, promises, and the rush order."""
