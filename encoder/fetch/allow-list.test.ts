import { describe, expect, it } from "vitest";
import { UrlAllowList } from "./allow-list.ts";

const list = UrlAllowList.parse(
  "files.example.com, *.example.org,http://plain.example, ports.example:8443,8.8.8.8,bücher.example,127.0.0.1",
);

describe("UrlAllowList", () => {
  it.each([
    "https://files.example.com/a.pdf?x=1",
    "https://FILES.example.com:443/a.pdf",
    "https://files.example.com./a.pdf",
    "https://a.example.org/",
    "https://a.b.example.org/",
    "http://plain.example/",
    "https://ports.example:8443/",
    "https://8.8.8.8/",
    "https://xn--bcher-kva.example/",
  ])("lets %s", (url) => expect(list.check(url).href).toBe(new URL(url).href));

  it.each([
    ["another host", "https://example.com/"],
    ["a host that ends alike", "https://evilfiles.example.com/"],
    ["a host that ends alike", "https://evilexample.org/"],
    ["what the wildcard is below of", "https://example.org/"],
    ["a host in front of another", "https://files.example.com.evil.example/"],
    ["HTTP where it is not said", "http://files.example.com/"],
    ["HTTPS where HTTP is said", "https://plain.example/"],
    ["another port", "https://files.example.com:8443/"],
    ["no port where one is said", "https://ports.example/"],
    ["a host as a user name", "https://files.example.com@evil.example/"],
    ["a user name", "https://someone@files.example.com/"],
    ["a password", "https://:word@files.example.com/"],
    ["an encoded @", "https://files.example.com%40evil.example/"],
    ["a backslash for a slash", "https://evil.example\\@files.example.com/"],
    ["another scheme", "file:///etc/passwd"],
    ["another scheme", "ftp://files.example.com/"],
    ["a private address that is listed", "https://127.0.0.1/"],
    ["its decimal form", "https://2130706433/"],
    ["its octal form", "https://0177.0.0.1/"],
    ["its hexadecimal form", "https://0x7f.1/"],
    ["its short form", "https://127.1/"],
    ["its full-width form", "https://１２７.0.0.1/"],
    ["its IPv6 form", "https://[::ffff:127.0.0.1]/"],
  ])("refuses %s: %s", (_, url) => {
    // Some of them are no URL to begin with.
    expect(() => list.check(url)).toThrow(
      expect.objectContaining({ code: expect.stringMatching(/url_not_allowed|invalid_request/) }),
    );
  });

  it.each([undefined, "", " , "])("allows nothing when it is %j, and says so", (text) => {
    const empty = UrlAllowList.parse(text);
    expect(empty.isEmpty).toBe(true);
    expect(() => empty.check("https://files.example.com/")).toThrow("MAXLEAF_URL_ALLOW is empty");
  });

  it("can allow every host, over HTTPS alone and never a private one", () => {
    const any = UrlAllowList.parse("*");
    expect(any.check("https://anything.example/").host).toBe("anything.example");
    for (const url of [
      "http://anything.example/",
      "https://anything.example:22/",
      "https://10.0.0.1/",
      "https://[::1]/",
    ]) {
      expect(() => any.check(url)).toThrow(expect.objectContaining({ code: "url_not_allowed" }));
    }
  });

  it.each(["https://", "a b", "host/path", "user@host", "*.*", "ftp://host"])("does not take %j for an entry", (text) =>
    expect(() => UrlAllowList.parse(text)).toThrow(expect.objectContaining({ code: "invalid_request" })),
  );

  it("tells neither passwords nor queries", () => {
    const thrown = () => list.check("https://someone:word@evil.example/a?signature=abc");
    expect(thrown).toThrow("evil.example/a");
    expect(thrown).not.toThrow(/word@|signature/);
  });

  it("refuses what is too long", () => {
    expect(() => list.check(`https://files.example.com/${"a".repeat(2_048)}`)).toThrow("2048");
  });
});
