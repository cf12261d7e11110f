"""Scripts and templates of authors who are not trusted: Python's syntax, plain data, and nothing else.

A script is written in a part of Python (`syntax.py`), rewritten so that every operation is asked (`policy.py`) and run
in a process of its own that can open nothing (`worker.py`, `limits.py`). It sees the names it was given, such as
`record`, and what it wants of the application it asks by host calls, which the serving process answers.

    if record.amount > 1000:
        for row in find("task", {"ticket": record.id}, 50):
            update("task", row.id, {"urgent": True})
        notify("chief", f"{record.title} became urgent")
    return record.amount * 0.2

`return` gives the result; numbers, dates and empty values reckon as in expressions, functions have the same names.
Nothing is imported here: the process that runs scripts needs few of these modules and starts the faster for it.
"""
