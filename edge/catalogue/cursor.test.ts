import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { decodeCursor, encodeCursor } from "./cursor.ts";

describe("cursors", () => {
  it("come back as the name they were made of, and need no escaping in a URL", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), (name) => {
        const cursor = encodeCursor(name);
        expect(cursor).toMatch(/^[\w-]*$/);
        expect(decodeCursor(cursor)).toBe(name.toWellFormed());
      }),
    );
  });

  it.each(["%%%", "a", "_w", "not a cursor!"])("refuse %j by name", (cursor) => {
    expect(() => decodeCursor(cursor)).toThrow(JSON.stringify(cursor));
  });
});
