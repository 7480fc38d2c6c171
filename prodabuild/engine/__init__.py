"""The incremental builder: facts in, units out, traces between. It knows nothing of knowledge or models.

facts     what source files state (JSON objects, compared facet by facet)      files  stat cache
buckets   extendible-hash layout of facts into units                           code   digests of build code
state     one SQLite file: facts, units, traces, readers                       store  content-addressed objects
database  that file: made, opened, sealed (seal), set aside                    journal  traces, as they are built
view      the only way a build function reads; records the trace               guard  one writer at a time
plan      what would run and why                                               run    carry it out
placing   copies of objects in `build/`                                        verify  read it all, heal it
lockfile  `proda.lock`                                                         executors  where batches run
"""
