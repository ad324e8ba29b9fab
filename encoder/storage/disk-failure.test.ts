import { expect, it } from "vitest";
import { diskFailure } from "./disk-failure.ts";

const failure = (code: unknown) => Object.assign(new Error("write"), { code });

it("tells a full disk, which may pass, from a broken one and from what no disk says", () => {
  for (const code of ["ENOSPC", "EDQUOT", "EMFILE", "ENFILE"]) {
    const full = failure(code);
    expect(diskFailure(full)).toMatchObject({
      code: "overloaded",
      message: expect.stringContaining(code),
      cause: full,
    });
  }
  for (const code of ["EIO", "EROFS", "ENOENT"]) {
    const broken = failure(code);
    expect(diskFailure(broken)).toBe(broken);
  }
  for (const other of [
    failure("ECONNRESET"),
    failure("ERR_STREAM_PREMATURE_CLOSE"),
    failure(5),
    new Error("no"),
    "x",
  ]) {
    expect(diskFailure(other)).toBeUndefined();
  }
});
