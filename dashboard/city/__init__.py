"""What is true of the city and what is decided about it. Pure: no clock, no Redis, no Dash, no file, no network.

`desk` is the front door: events, commands and the passing of time go in, changes come out. Read in this order:

- **What goes in and out.** `events` `admission` `privacy`; `commands`; `changes`.
- **The nouns, each a row with its lifecycle.** `alerts` `signals` `incidents` `complaints` `assignments` `teams`
  `sources` `claims` `handovers` `trainings` `posts` `screens` `cameras`; `lifecycle` is the form of their tables.
- **All of them together.** `state`, changed only by `apply`; `telemetry` beside it; `pack`, one city as data; `ledger`,
  which writes decisions down; `places` and `deadlines`, which it asks.
- **Sensing.** `rules` `sensing` `shelving` `suppressing`: readings and silence become alerts.
- **Reporting.** `reporting` `correlation`: whatever has a place becomes an incident or joins one.
- **The two axes.** `supervision` takes in, files, checks and closes; `dispatching` sends teams, by `sending`, advised
  by `dispatch` and `roster`. `handling` hears what teams say, `answering` waits for it, `manning` sees who holds a
  post, `orders` and `messages` tell them, `calling_back` tells the reporter.
- **The people at the console.** `verbs` finds who decides what is asked, `refusals` says why not. `claiming` `seats`
  `handing_over`: whose it is. `flood` `grouping` `escalating`: too much, or too long. `training`: to practise it.
  `showing`: what is on the walls.
- **What it comes to.** `formulas` and `kpis`, and `health` of the alarms themselves; `briefing`, one page for whoever
  leads, with what is `outstanding` and what is `unseen`.
"""
