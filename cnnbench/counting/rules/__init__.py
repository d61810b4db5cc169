"""What an operator costs: the convention, a rule a kind of operator, forward and backward.

Takes an operator's shapes and arguments, gives its `Work`. `convention` states what one output
element costs, once; `operators` and `backward` have the rules, `shapes` what comes out, `treatment`
what is one line of a trace. May import `counting.cost`, not what records a pass.

A new rule is a function and a row of `RULES`; another package adds one by `register`, or by an
entry point (see `added`).
"""

from cnnbench.counting.rules.added import register as register
