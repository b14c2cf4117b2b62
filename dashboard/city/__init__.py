"""What is true of the city and what is decided about it. Pure: no clock, no Redis, no Dash, no file, no network.

Read in this order: `events` (what came in), `commands` (what an operator asks), `changes` (what was decided), the nouns
`alerts incidents assignments teams complaints sources` with their lifecycles, `state` (all of them together, changed
only by `apply`), then `correlation`, `deadlines`, `dispatch`, `kpis`, and last `desk`, the front door.
"""
