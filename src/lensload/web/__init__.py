"""The live page of a run: what is measured, second by second, with its rate to be set; the same page for `locust` and for `bench`.

It knows no Locust. Whoever makes runs gives it a `RunControl` (what the page may ask for), and passes a `Live` to each
coordinator as a listener; `blueprint` then serves both, as a page and as JSON (docs/live.md).

    live           what the page shows of the run that is on, or was the last
    chart_entries  its course in a bounded number of seconds
    run_control    starting, stopping and steering runs, as the page asks for it
    form           the options of a run as fields of a form
    runs           the run files of a folder: listed, read, reported, compared
    origins        whose requests are answered
    pages          a Flask blueprint: the page, its files, its JSON
    server         a server of its own, for `lensload bench --web`
"""
