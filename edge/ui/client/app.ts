/**
 * The search page's entry.
 *
 * @module
 */
document.querySelector("#app")?.replaceChildren("Maxleaf");

export {};
