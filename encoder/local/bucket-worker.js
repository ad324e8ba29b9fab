/** A worker that serves nothing: it is run for the bucket beside it, when a command needs that without a running stack. */
export default {
  fetch() {
    return new Response("this is only a bucket; run `maxleaf start` for the search page\n", { status: 404 });
  },
};

/** The class that the shared configuration names; without bindings to call it, it is never made. */
export class SearchShard {
  fetch() {
    return new Response("this is only a bucket\n", { status: 404 });
  }
}
