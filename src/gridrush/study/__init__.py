"""Cases, scenarios and methods joined: simulate one, run all, assess, judge the claims.

Nothing is imported here: a page or command that asks one thing of a study does not load all of it.
"""
