"""What an operator costs: the convention, a rule a kind of operator, forward and backward."""
