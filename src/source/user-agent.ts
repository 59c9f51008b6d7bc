/** Sent outside browsers, so that a server's operator can see who asks. The test compares it with package.json. */
export const USER_AGENT: string = "weighin/0.1.0";
