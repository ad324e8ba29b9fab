import { describe, expect, it } from "vitest";
import { ERROR_STATUS, MaxleafError, quote, toMaxleafError, toProblem } from "./errors.ts";

describe("toProblem", () => {
  it("is an RFC 9457 body with the code, the status and the sentence", () => {
    const error = new MaxleafError("index_not_found", 'there is no index "x"', { details: { index: "x" } });
    expect(toProblem(error, "/v1/indexes/x")).toEqual({
      type: "urn:maxleaf:error:index_not_found",
      title: "index not found",
      status: 404,
      code: "index_not_found",
      detail: 'there is no index "x"',
      instance: "/v1/indexes/x",
      index: "x",
    });
  });

  it("lets no detail overwrite a standard member", () => {
    const error = new MaxleafError("not_found", "gone", { details: { status: 200, code: "ok", detail: "fine" } });
    expect(toProblem(error)).toMatchObject({ status: 404, code: "not_found", detail: "gone" });
  });
});

describe("toMaxleafError", () => {
  it("hides the message of anything unexpected but keeps it as the cause", () => {
    const cause = new Error("password=hunter2");
    const error = toMaxleafError(cause);
    expect(error.code).toBe("internal");
    expect(error.status).toBe(ERROR_STATUS.internal);
    expect(error.message).not.toContain("hunter2");
    expect(error.cause).toBe(cause);
  });

  it("passes a MaxleafError through", () => {
    const error = new MaxleafError("empty_query", "the query is empty");
    expect(toMaxleafError(error)).toBe(error);
  });
});

describe("quote", () => {
  it("escapes control characters and cuts long values", () => {
    expect(quote("a\u0000b")).toBe('"a\\u0000b"');
    expect(quote("x".repeat(500)).length).toBeLessThanOrEqual(81);
  });
});
