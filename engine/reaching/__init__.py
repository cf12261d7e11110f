"""What people are told in the application also reaches them outside, the way each of them wants it."""
