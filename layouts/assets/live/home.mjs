/** The door: one mark that says whether the city is live, and whose clock it is. */

import { $, fill } from "./dom.mjs";
import { truth } from "./honesty.mjs";
import { eachSecond, soon } from "./loop.mjs";
import { liveMark } from "./parts.mjs";

export function mount({ store, channel, clock }) {
  const mark = liveMark(),
    show = () => mark.show(truth(store, channel, clock), clock);
  fill($("home-status"), mark, mark.chip);
  eachSecond(show);
  channel.on(() => soon(show));
  show();
}
