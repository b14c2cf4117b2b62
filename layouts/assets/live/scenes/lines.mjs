/** How many lines of a list a scene makes, each second: more than any wall has room for; the rest is a number. */
export const MOST_LINES = 20;
