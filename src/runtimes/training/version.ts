/** The release whose source the rules of this folder were read from; with transformers 5.23.0, peft 0.21.2 and bitsandbytes 0.50.2. */
export const TRAINING_VERSION = "torch 2.15.0";
