"""The messages between the workers and the master of a run, as Locust carries them.

A local runner delivers them to itself. Every one carries `run`, the number of the run it belongs to; what comes
for another run is ignored.

    worker -> master    JOIN       {host}                            the test has started here: what shall I do?
                        CLOCKED    {asked_ns, its_ns}                when you asked, and what my clock said then
                        READY      {conditions}                      my crew is ready
                        REFUSED    {exit_code, text}                 my crew cannot go on
                        REPORT     {n, tally, gauges, notices}       what is new since report n - 1
                        SCHEDULED  {}                                everything due was produced
                        DIED       {process, text}                   one of my processes ended on its own
                        DRAINED    {process, unflushed, complete}    one of my processes has said its last word
                        ENDED      {}                                my crew is gone, and all it said has been passed on
    master -> worker    CLOCK      {asked_ns}                        what does your clock say?
                        CONFIGURE  {engine, observer, user_rate}     the configure messages of link.py
                        BEGIN      {start_ns, measure_from_ns, end_ns}
                        SETTLED    {pages}                           in these pages of the account nothing is open
                        DRAIN      {process}                         "engine" first, "observer" when all engines are
                        END        {}                                nothing more is wanted: end your crew
"""

from typing import Final

JOIN: Final = "lensload_join"
CLOCKED: Final = "lensload_clocked"
READY: Final = "lensload_ready"
REFUSED: Final = "lensload_refused"
REPORT: Final = "lensload_report"
SCHEDULED: Final = "lensload_scheduled"
DIED: Final = "lensload_died"
DRAINED: Final = "lensload_drained"
ENDED: Final = "lensload_ended"
CLOCK: Final = "lensload_clock"
CONFIGURE: Final = "lensload_configure"
BEGIN: Final = "lensload_begin"
SETTLED: Final = "lensload_settled"
DRAIN: Final = "lensload_drain"
END: Final = "lensload_end"

TO_MASTER: Final = (JOIN, CLOCKED, READY, REFUSED, REPORT, SCHEDULED, DIED, DRAINED, ENDED)
TO_WORKER: Final = (CLOCK, CONFIGURE, BEGIN, SETTLED, DRAIN, END)
