import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MaxleafError } from "../../shared/errors.ts";
import { parseBucketEvents } from "./bucket-events.ts";

/** As AWS documents it (notification-content-structure), with what is not read left in. */
function s3Record(eventName: string, key: string, eTag?: string) {
  return {
    eventVersion: "2.5",
    eventSource: "aws:s3",
    awsRegion: "eu-west-1",
    eventTime: "2026-11-25T12:00:00.000Z",
    eventName,
    userIdentity: { principalId: "AWS:AIDA" },
    s3: {
      s3SchemaVersion: "1.0",
      configurationId: "maxleaf",
      bucket: { name: "uploads", ownerIdentity: { principalId: "A1" }, arn: "arn:aws:s3:::uploads" },
      object: { key, size: 1024, ...(eTag !== undefined && { eTag }), sequencer: "0055AED6DCD90281E5" },
    },
  };
}

const s3 = (...records: unknown[]) => JSON.stringify({ Records: records });
const eventBridge = (type: string, key: string) => ({
  version: "0",
  id: "c9888434",
  "detail-type": type,
  source: "aws.s3",
  account: "123456789012",
  time: "2026-11-25T12:00:00Z",
  region: "eu-west-1",
  resources: ["arn:aws:s3:::uploads"],
  detail: {
    version: "0",
    bucket: { name: "uploads" },
    object: { key, size: 5, etag: "e1", sequencer: "00617F08299329D189" },
    reason: "PutObject",
  },
});
const sns = (message: unknown, type = "Notification") =>
  JSON.stringify({ Type: type, MessageId: "1", TopicArn: "arn:aws:sns:eu:1:t", Message: JSON.stringify(message) });
const r2 = (action: string, key: string) =>
  JSON.stringify({
    account: "3f4b7e3dcab231cbfdaa90a6a28bd548",
    action,
    bucket: "uploads",
    object: { key, size: 65_536, eTag: "c846ff7a18f28c2e262116d6e8719ef0" },
    eventTime: "2026-11-25T12:00:00.000Z",
  });

describe("parseBucketEvents", () => {
  it("reads what S3 sends, with the key decoded", () => {
    const body = s3(
      s3Record("ObjectCreated:Put", "docs%2Fa+b%2Bc%25.pdf", "e1"),
      s3Record("ObjectRemoved:Delete", "K%C3%A4se.pdf"),
    );
    expect(parseBucketEvents(body)).toEqual([
      { kind: "created", bucket: "uploads", key: "docs/a b+c%.pdf", etag: "e1" },
      { kind: "removed", bucket: "uploads", key: "Käse.pdf", etag: undefined },
    ]);
  });

  it.each([
    ["ObjectCreated:CompleteMultipartUpload", "created"],
    ["s3:ObjectCreated:Put", "created"],
    ["ObjectRemoved:DeleteMarkerCreated", "removed"],
    ["LifecycleExpiration:Delete", "removed"],
  ])("takes %s for an object that was %s", (eventName, kind) => {
    expect(parseBucketEvents(s3(s3Record(eventName, "a.pdf")))).toMatchObject([{ kind }]);
  });

  it("has nothing to do for S3's test", () => {
    const test = {
      Service: "Amazon S3",
      Event: "s3:TestEvent",
      Time: "2026",
      Bucket: "uploads",
      RequestId: "1",
      HostId: "1",
    };
    expect(parseBucketEvents(JSON.stringify(test))).toEqual([]);
    expect(parseBucketEvents(sns(test))).toEqual([]);
  });

  it("reads what EventBridge sends, whose keys are as they are", () => {
    const created = { kind: "created", bucket: "uploads", key: "a+b%20c.pdf", etag: "e1" };
    expect(parseBucketEvents(JSON.stringify(eventBridge("Object Created", "a+b%20c.pdf")))).toEqual([created]);
    expect(parseBucketEvents(JSON.stringify(eventBridge("Object Deleted", "a.pdf")))).toMatchObject([
      { kind: "removed" },
    ]);
  });

  it("reads both through SNS", () => {
    const [viaSns] = parseBucketEvents(sns({ Records: [s3Record("ObjectCreated:Put", "a+b.pdf")] }));
    expect(viaSns).toMatchObject({ kind: "created", key: "a b.pdf" });
    expect(parseBucketEvents(sns(eventBridge("Object Created", "a+b.pdf")))).toMatchObject([{ key: "a+b.pdf" }]);
  });

  it.each([
    ["PutObject", "created"],
    ["CopyObject", "created"],
    ["CompleteMultipartUpload", "created"],
    ["DeleteObject", "removed"],
    ["LifecycleDeletion", "removed"],
  ])("reads R2's %s", (action, kind) => {
    const etag = "c846ff7a18f28c2e262116d6e8719ef0";
    expect(parseBucketEvents(r2(action, "a+b.pdf"))).toEqual([{ kind, bucket: "uploads", key: "a+b.pdf", etag }]);
  });

  it.each([
    ["no JSON", "hello", /is no JSON: "hello"/],
    ["another's JSON", '{"hello": 1}', /none of S3, EventBridge, SNS or R2/],
    ["a list", "[]", /none of/],
    ["null", "null", /none of/],
    ["no bucket", s3({ eventName: "ObjectCreated:Put", s3: { object: { key: "a" } } }), /Records\.0\.s3\.bucket/],
    ["no key", s3(s3Record("ObjectCreated:Put", "")), /Records\.0\.s3\.object\.key/],
    ["a key that is not encoded", s3(s3Record("ObjectCreated:Put", "%E0%A4%A")), /not URL-encoded/],
    ["another event of S3", s3(s3Record("ObjectTagging:Put", "a")), /ObjectTagging:Put/],
    ["another event of EventBridge", JSON.stringify(eventBridge("Object Tags Added", "a")), /Object Tags Added/],
    ["another action of R2", r2("toString", "a"), /toString/],
    ["a subscription of SNS", sns({}, "SubscriptionConfirmation"), /a person must answer/],
    ["SNS in SNS in SNS", sns(JSON.parse(sns(JSON.parse(sns({}))))), /wrapped too often/],
    ["too many records", s3(...Array.from({ length: 1_001 }, () => s3Record("ObjectCreated:Put", "a"))), /Records/],
    ["too long", `"${"x".repeat(1_048_577)}"`, /1048579 characters/],
  ])("says what is wrong with %s", (_, body, reason) => {
    expect(() => parseBucketEvents(body)).toThrow(
      expect.objectContaining({ code: "invalid_request", message: expect.stringMatching(reason) }),
    );
  });

  it("refuses whatever else comes in the same way", () => {
    const part = fc.oneof(fc.jsonValue(), fc.constant({ name: "b" }), fc.constant({ key: "%" }));
    const likely = fc.record(
      {
        Records: part,
        TopicArn: part,
        Type: part,
        Message: part,
        "detail-type": part,
        detail: part,
        action: part,
        bucket: part,
        object: part,
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.json(),
          likely.map((value) => JSON.stringify(value)),
        ),
        (body) => {
          try {
            for (const { bucket, key } of parseBucketEvents(body))
              expect([typeof bucket, typeof key]).toEqual(["string", "string"]);
          } catch (error) {
            expect(error).toBeInstanceOf(MaxleafError);
          }
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("gives back every key that S3 can encode", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", minLength: 1, maxLength: 100 }), (key) => {
        const encoded = encodeURIComponent(key).replaceAll("%20", "+");
        expect(parseBucketEvents(s3(s3Record("ObjectCreated:Put", encoded)))).toMatchObject([{ key }]);
      }),
    );
  });
});
