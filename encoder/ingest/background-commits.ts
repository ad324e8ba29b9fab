/**
 * Commits that run beside the work on the documents after them.
 *
 * A commit begins when enough is waiting, and one runs at a time. What is added meanwhile waits for the next; when as much waits
 * as may, no further document is begun: a store or a machine that cannot keep up slows the renderer down instead of filling
 * the disk.
 *
 * @module
 */

/** What of documents waits: it lies in temporary files, not in memory. */
export interface Amount {
  vectors: number;
  pages: number;
}

export interface CommitLimits {
  /** A commit's worth, of either. */
  commitAt: Amount;
  /** Commits' worths that may wait, one being committed included, before {@link BackgroundCommits.room} waits. */
  maxPending: number;
}

export interface BackgroundCommitOptions {
  limits: CommitLimits;
  /** Commits all that is waiting when it is called. */
  commit: () => Promise<void>;
  /** Told once of the first commit that failed, after which none is begun. */
  onFailure: (error: unknown) => void;
}

const NOTHING: Amount = { vectors: 0, pages: 0 };

export class BackgroundCommits {
  readonly #options: BackgroundCommitOptions;
  #waiting = NOTHING;
  #committing = NOTHING;
  /** The commit under way; never rejects. */
  #running: Promise<void> | undefined;
  #failed = false;

  constructor(options: BackgroundCommitOptions) {
    this.#options = options;
  }

  /** Vectors of documents that are added and not yet committed. */
  get pendingVectors(): number {
    return this.#waiting.vectors + this.#committing.vectors;
  }

  /** A document is with the others that wait. */
  added({ vectors, pages }: Amount): void {
    this.#waiting = { vectors: this.#waiting.vectors + vectors, pages: this.#waiting.pages + pages };
    this.#beginWhenDue();
  }

  /** Waits until another document may be begun. */
  async room(): Promise<void> {
    // Without a commit under way there is one to begin, or none will come that could make room.
    while (this.#isFull() && this.#running !== undefined) await this.#running;
  }

  /** Waits for the commit under way; begins none. */
  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  /** After the commit under way, commits the rest. Errors: those of `commit`, which are not told to `onFailure`. */
  async finish(): Promise<void> {
    await this.idle();
    this.#waiting = NOTHING;
    await this.#options.commit();
  }

  #beginWhenDue(): void {
    const { commitAt } = this.#options.limits;
    const isDue = this.#waiting.vectors >= commitAt.vectors || this.#waiting.pages >= commitAt.pages;
    if (!isDue || this.#failed || this.#running !== undefined) return;
    this.#committing = this.#waiting;
    this.#waiting = NOTHING;
    this.#running = this.#commit();
  }

  async #commit(): Promise<void> {
    try {
      await this.#options.commit();
    } catch (error) {
      this.#failed = true;
      this.#options.onFailure(error);
    }
    this.#committing = NOTHING;
    this.#running = undefined;
    this.#beginWhenDue();
  }

  #isFull(): boolean {
    const { commitAt, maxPending } = this.#options.limits;
    const pages = this.#waiting.pages + this.#committing.pages;
    return this.pendingVectors >= maxPending * commitAt.vectors || pages >= maxPending * commitAt.pages;
  }
}
