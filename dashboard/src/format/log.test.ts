// What programs write to terminals becomes text with a look, and nothing else.

import { describe, expect, test } from "vitest";
import { pieces, plain } from "./log";

const ESC = "\u001b";

describe("what a program sent a terminal", () => {
  test("is coloured where it asked for a colour, and never beyond", () => {
    expect(pieces(`a ${ESC}[31mred${ESC}[0m b`)).toEqual([
      { text: "a ", look: {} },
      { text: "red", look: { color: 1 } },
      { text: " b", look: {} },
    ]);
    expect(pieces(`${ESC}[1;32mgood`)).toEqual([{ text: "good", look: { isBold: true, color: 2 } }]);
    expect(pieces(`${ESC}[mx`)).toEqual([{ text: "x", look: {} }]);
    expect(pieces(`${ESC}[38;5;9mx`)[0]?.look.color).toBe(1);
    // The numbers of a true colour are no codes of their own: 1 would be bold.
    expect(pieces(`${ESC}[38;2;1;2;3mx`)[0]?.look).toEqual({});
  });

  test("loses what moves a cursor, sets a title, links, or rings", () => {
    expect(plain(`${ESC}[2K${ESC}[1Gdone\u0007`)).toBe("done");
    expect(plain(`${ESC}]0;title\u0007text`)).toBe("text");
    expect(plain(`${ESC}]8;;http://example.com${ESC}\\link${ESC}]8;;${ESC}\\`)).toBe("link");
    expect(plain(`${ESC}(Bx`)).toBe("x");
    expect(plain("a\u0000b\u009bc")).toBe("abc");
  });

  test("can't turn a line around", () => {
    expect(plain("safe\u202Eexe.txt")).toBe("safeexe.txt");
  });

  test("is what a progress bar wrote last", () => {
    expect(plain("10%\r50%\r100%\r\n")).toBe("100%");
  });

  test("keeps its text as a text", () => {
    expect(pieces("<b>&amp;</b>")).toEqual([{ text: "<b>&amp;</b>", look: {} }]);
    expect(plain("tab\tstays")).toBe("tab\tstays");
  });

  test.each([`x${ESC}`, `${ESC}[31`, `${ESC}]0;never ends`, `${ESC}P`, `${ESC}[999999999m y`])("%j ends", (line) => {
    expect(
      pieces(line)
        .map(({ text }) => text)
        .join(""),
    ).toBe(plain(line));
    expect(plain(line)).not.toContain(ESC);
  });
});
