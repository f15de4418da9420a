// The types of client.mjs, which Node runs as it is.

export declare const FILE: URL;
export declare function typesOf(host: string): Promise<string>;
