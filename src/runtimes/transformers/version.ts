/** The release whose source the rules of this folder were read from, and which their tests ran. */
export const TRANSFORMERS_VERSION = "5.23.0";
