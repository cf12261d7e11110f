// The machine room: what its pages do by themselves.
