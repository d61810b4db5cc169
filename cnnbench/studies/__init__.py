"""ASK: questions answered by the rooms above, a folder each.

Takes networks and measurements, gives frozen records; nothing here prints. May import `timing`.

A new question is a folder: what is asked, what is answered, the records of the answer; then
`reports/<command>.py` shows it and `cli/<command>.py` asks it.
"""
