import { describe, expect, it } from "vitest";
import { BackgroundCommits } from "./background-commits.ts";

const limits = { commitAt: { vectors: 10, pages: 4 }, maxPending: 2 };
const turn = async () => await new Promise((resolve) => setImmediate(resolve));

/** Commits that end when they are told to. */
function gatedCommits() {
  const begun: PromiseWithResolvers<void>[] = [];
  const failures: unknown[] = [];
  const commits = new BackgroundCommits({
    limits,
    commit: async () => {
      const gate = Promise.withResolvers<void>();
      begun.push(gate);
      await gate.promise;
    },
    onFailure: (error) => failures.push(error),
  });
  const end = async (at: number) => {
    begun[at]?.resolve();
    await turn();
  };
  return { commits, begun, failures, end };
}

describe("BackgroundCommits", () => {
  it("begins at a commit's worth of vectors or of pages, one at a time", async () => {
    const { commits, begun, end } = gatedCommits();
    commits.added({ vectors: 9, pages: 1 });
    expect(begun).toHaveLength(0);
    commits.added({ vectors: 1, pages: 1 });
    expect(begun).toHaveLength(1);
    commits.added({ vectors: 0, pages: 4 });
    expect(begun).toHaveLength(1);
    await end(0);
    expect(begun).toHaveLength(2);
    await end(1);
    commits.added({ vectors: 9, pages: 1 });
    expect(begun).toHaveLength(2);
  });

  it("has no room while as much is pending as may", async () => {
    const { commits, end } = gatedCommits();
    commits.added({ vectors: 12, pages: 1 });
    await commits.room();
    commits.added({ vectors: 8, pages: 1 });
    let admitted = false;
    const room = commits.room().then(() => (admitted = true));
    await turn();
    expect([admitted, commits.pendingVectors]).toEqual([false, 20]);
    await end(0);
    await room;
    expect(commits.pendingVectors).toBe(8);
  });

  it("has room for a document however large when nothing is under way that could make it", async () => {
    const { commits } = gatedCommits();
    await commits.room();
    expect(commits.pendingVectors).toBe(0);
  });

  it("commits the rest after the one under way", async () => {
    const { commits, begun, end } = gatedCommits();
    commits.added({ vectors: 10, pages: 1 });
    commits.added({ vectors: 1, pages: 1 });
    const finished = commits.finish();
    await turn();
    expect(begun).toHaveLength(1);
    await end(0);
    expect(begun).toHaveLength(2);
    await end(1);
    await finished;
  });

  it("tells of a failure, lets waiting work go on, and begins no other commit", async () => {
    const { commits, begun, failures } = gatedCommits();
    commits.added({ vectors: 20, pages: 1 });
    const room = commits.room();
    begun[0]?.reject(new Error("torn"));
    await room;
    await commits.idle();
    commits.added({ vectors: 20, pages: 1 });
    expect([begun.length, failures]).toEqual([1, [new Error("torn")]]);
    await commits.room();
  });

  it("throws what the last commit fails with", async () => {
    const { commits, begun, failures } = gatedCommits();
    const finished = commits.finish();
    await turn();
    begun[0]?.reject(new Error("last"));
    await expect(finished).rejects.toThrow("last");
    expect(failures).toEqual([]);
  });
});
