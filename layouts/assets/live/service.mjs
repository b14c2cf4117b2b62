/** A source taken out of service 停用 and put back, beside its own row: whoever may do it asks here, everybody sees that it is. */

import { askReason, drawQuestion } from "./asking.mjs";
import { h, text } from "./dom.mjs";
import { t, word } from "./words.mjs";

/** The foot of a source's row, and `.button`, which stands beside its name. @param {{store: object, sender: import("./verbs.mjs").Sender, person: {role: string}}} at */
export function serviceNode({ store, sender, person }) {
  const words = h("span", { class: "soft" }),
    refusal = h("span", { class: "refusal", role: "alert" }),
    button = h("button", { type: "button", class: "btn quiet" }),
    question = h("div", { class: "ask", hidden: true }),
    node = h("div", { class: "serve", role: "cell", hidden: true }, words, refusal, question);
  let id = "",
    verb = "";
  const ask = (next) => {
    drawQuestion(question, next && { ...next, cancel: () => ask(null) });
    node.hidden = !next;
  };
  const send = (fields) => {
    ask(null);
    sender.send(`sources ${id}`, verb, id, fields);
  };
  button.addEventListener("click", () => (verb === "in_service" ? send({}) : askReason(verb, ask, (reason) => send({ reason }))));
  node.button = button;
  node.show = (row) => {
    const out = store.tables.out_of_service.get(row.id),
      may = person.role === "supervisor" && row.kind !== "complaint",
      refused = sender.refused.get(`sources ${row.id}`);
    id = row.id;
    verb = out ? "in_service" : "out_of_service";
    node.hidden = !out && !refused && question.hidden;
    button.hidden = !may;
    text(button, t(`verb.${verb}`));
    text(words, out ? `${word("alert", "out_of_service")}, ${word("reason", out.reason)}, ${out.by.split("/")[2] ?? ""}` : "");
    text(refusal, refused ? sender.said(refused) : "");

  };
  return node;
}
