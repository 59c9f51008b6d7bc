/** Bytes of the units that published measurements and device sizes come in. */
export const MIB: number = 1024 ** 2;
export const GIB: number = 1024 ** 3;
