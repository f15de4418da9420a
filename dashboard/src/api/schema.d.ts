// Generated from /openapi.json by `npm run client`; not edited by hand.

export interface paths {
    "/api/v1/compatibility/{key}/{version}/{service}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                key: string;
                version: string;
                service: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    key: string;
                    version: string;
                    service: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/installation": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Installation"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/log_handler": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/names": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/credentials": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
            };
            cookie?: never;
        };
        /** The generations of credentials that come in, the oldest first */
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["CredentialsList"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        /** Makes a new generation; the one before still comes in, what is older does not */
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                };
                cookie?: never;
            };
            requestBody?: {
                content: {
                    "application/json": Record<string, never>;
                };
            };
            responses: {
                201: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["NewCredentials"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/credentials/{generation}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
                generation: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        /** Ends a generation, and its connections to the broker */
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    generation: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["RetiredCredentials"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/queues": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/queues/names": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
                queue: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    queue: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Queue"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    queue: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    queue: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    queue: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/drain": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
                queue: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    queue: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/head": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
                queue: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    queue: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            count: number | null;
                            next: string | null;
                            previous: string | null;
                            results: components["schemas"]["HeadRun"][];
                        };
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/history": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
                queue: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    queue: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["History"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/pause": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
                queue: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    queue: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/purge": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
                queue: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    queue: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/queues/{queue}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
                queue: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    queue: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/statuses": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/agents/{agent}/{verb}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                agent: string;
                verb: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    agent: string;
                    verb: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/audit": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            count: number | null;
                            next: string | null;
                            previous: string | null;
                            results: components["schemas"]["AuditEntry"][];
                        };
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/dead-letters": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            count: number | null;
                            next: string | null;
                            previous: string | null;
                            results: components["schemas"]["DeadLetter"][];
                        };
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/dead-letters/drop": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/dead-letters/reasons": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            count: number | null;
                            next: string | null;
                            previous: string | null;
                            results: components["schemas"]["DeadLetterGroup"][];
                        };
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/dead-letters/replay": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/dead-letters/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                uuid: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/dead-letters/{uuid}/replay": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/events": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/history": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["History"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/overview": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Overview"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/presets": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/presets/names": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/presets/{preset}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                preset: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    preset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    preset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    preset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    preset: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        trace?: never;
    };
    "/api/v1/orgs/{owner}/queues": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            count: number | null;
                            next: string | null;
                            previous: string | null;
                            results: components["schemas"]["Queue"][];
                        };
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/queues/names": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/runs": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/runs/delete": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/runs/groups": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/runs/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                uuid: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/orgs/{owner}/settings": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        trace?: never;
    };
    "/api/v1/orgs/{owner}/warnings": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            count: number | null;
                            next: string | null;
                            previous: string | null;
                            results: components["schemas"]["Warning"][];
                        };
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["User"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/tokens": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": {
                            count: number | null;
                            next: string | null;
                            previous: string | null;
                            results: components["schemas"]["Token"][];
                        };
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/users/tokens/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                uuid: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/projects/create": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/projects/list": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/projects/names": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        trace?: never;
    };
    "/api/v1/{owner}/{project}/archive": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/bookmark": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/bulk": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/delete": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/groups": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/approve": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/archive": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/bookmark": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/copy": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/events/stream": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/explain": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/invalidate": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/lineage/{kind}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
                kind: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                    kind: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                    kind: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/lineage/{kind}/names": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
                kind: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                    kind: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/namespace": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/origins": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/restart": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/restore": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/resume": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/settings": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/skip": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/statuses": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/stop": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/transfer": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/runs/{uuid}/unbookmark": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/settings": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        trace?: never;
    };
    "/api/v1/{owner}/{project}/stats": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/api/v1/{owner}/{project}/unbookmark": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                owner: string;
                project: string;
            };
            cookie?: never;
        };
        get?: never;
        put?: never;
        post?: never;
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    owner: string;
                    project: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/openapi.json": {
        parameters: {
            query?: never;
            header?: never;
            path?: never;
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path?: never;
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/artifact": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                namespace: string;
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    namespace: string;
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    namespace: string;
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    namespace: string;
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/artifacts": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                namespace: string;
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    namespace: string;
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    namespace: string;
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        delete: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    namespace: string;
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/artifacts/tree": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                namespace: string;
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    namespace: string;
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["Tree"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/events/{kind}": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                namespace: string;
                owner: string;
                project: string;
                uuid: string;
                kind: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    namespace: string;
                    owner: string;
                    project: string;
                    uuid: string;
                    kind: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["AllSeries"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/k8s_inspect": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                namespace: string;
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    namespace: string;
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/logs": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                namespace: string;
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    namespace: string;
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content?: never;
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
    "/streams/v1/{namespace}/{owner}/{project}/runs/{uuid}/resources": {
        parameters: {
            query?: never;
            header?: never;
            path: {
                namespace: string;
                owner: string;
                project: string;
                uuid: string;
            };
            cookie?: never;
        };
        get: {
            parameters: {
                query?: never;
                header?: never;
                path: {
                    namespace: string;
                    owner: string;
                    project: string;
                    uuid: string;
                };
                cookie?: never;
            };
            requestBody?: never;
            responses: {
                200: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/json": components["schemas"]["AllSeries"];
                    };
                };
                default: {
                    headers: {
                        [name: string]: unknown;
                    };
                    content: {
                        "application/problem+json": components["schemas"]["Problem"];
                    };
                };
            };
        };
        put?: never;
        post?: never;
        delete?: never;
        options?: never;
        head?: never;
        patch?: never;
        trace?: never;
    };
}
export type webhooks = Record<string, never>;
export interface components {
    schemas: {
        AboutWhat: {
            agent: string | null;
            kind: string;
            queue: string | null;
            uuid?: string | null;
        };
        AgentCounts: {
            cordoned: number;
            count: number;
            live: number;
            lost: number;
        };
        AllSeries: {
            data: components["schemas"]["Series"][];
        };
        AuditEntry: {
            action: string;
            actor: string;
            /** Format: date-time */
            at: string;
            details: unknown;
            id: number;
            object: components["schemas"]["AuditObject"];
            reason: string | null;
            request_id: string | null;
        };
        AuditObject: {
            kind: string;
            name: string | null;
            uuid: string | null;
        };
        Block: {
            holders: string[];
            level: string;
            limit: unknown;
            message: string;
            name: string | null;
            rule: string;
            used: unknown;
        };
        Credentials: {
            /** @description The agent's name */
            agent: string;
            /** Format: date-time */
            created_at: string;
            /** @description Who made them */
            created_by: string;
            /** @description Counts up with each */
            generation: number;
            /** @description The user on the broker */
            user: string;
        };
        CredentialsList: {
            count: number;
            /** @description Whether agents of this broker need any */
            needed: boolean;
            next: null;
            previous: null;
            results: components["schemas"]["Credentials"][];
        };
        DeadLetter: {
            agent: string | null;
            attempt: number | null;
            /** Format: date-time */
            first_at: string;
            is_cut: boolean;
            /** Format: date-time */
            last_at: string;
            message: string | null;
            queue: string | null;
            reason: string;
            run: string | null;
            times: number;
            uuid: string;
        };
        DeadLetterGroup: {
            /** Format: date-time */
            first_at: string;
            /** Format: date-time */
            last_at: string;
            letters: number;
            reason: string;
            times: number;
        };
        HeadRun: {
            blocked_by: components["schemas"]["Block"][];
            name: string | null;
            position: number;
            priority: number;
            project: string;
            /** Format: date-time */
            queued_at: string;
            user: string | null;
            uuid: string;
        };
        Health: {
            message: string | null;
            name: string;
            ok: boolean;
        };
        History: {
            points: components["schemas"]["Point"][];
            /** @enum {string} */
            range: "1h" | "24h" | "7d" | "30d";
            step_seconds: number;
        };
        Hold: {
            by: string;
            drain: boolean;
            reason: string;
            /** Format: date-time */
            until: string | null;
        };
        Installation: {
            berth: string;
            /** @enum {string} */
            dist: "ce" | "ee";
            key: string;
            mode: string;
            version: string;
        };
        NewCredentials: {
            /** @description The agent's name */
            agent: string;
            /** Format: date-time */
            created_at: string;
            /** @description Who made them */
            created_by: string;
            /** @description Counts up with each */
            generation: number;
            /** @description YAML to install the agent with */
            helm_values: string;
            /** @description What is left to do, if it does not */
            note: string | null;
            /** @description Whether the broker knows of it */
            on_broker: boolean;
            /** @description Told this once; kept are hashes */
            password: string;
            /** @description The broker for that user; replace the host where agents reach it by another */
            url: string;
            /** @description The user on the broker */
            user: string;
            /** @description The generations that come in from now on */
            valid: number[];
        };
        Overview: {
            agents: components["schemas"]["AgentCounts"];
            /** Format: date-time */
            at: string;
            dead_letters: number;
            failed_per_second: number;
            finished_per_second: number;
            health: components["schemas"]["Health"][];
            live: number;
            oldest_seconds: number | null;
            queues: number;
            saturation: components["schemas"]["Saturation"][];
            started_per_second: number;
            statuses: {
                [key: string]: number;
            };
            submitted_per_second: number;
            waiting: number;
            warnings: components["schemas"]["Warning"][];
        };
        Point: {
            admissible: number;
            /** Format: date-time */
            at: string;
            backlog: number;
            dead_letters: number;
            failed: number;
            finished: number;
            in_flight: number;
            oldest_seconds: number;
            started: number;
            submitted: number;
            wait_p50_seconds: number | null;
            wait_p95_seconds: number | null;
        };
        /** @description RFC 9457, and `detail` as the stock client prints it */
        Problem: {
            detail?: string;
            status?: number;
            title?: string;
        };
        Queue: {
            agent: string;
            answer_within_seconds: number;
            concurrency: number;
            /** Format: date-time */
            created_at: string;
            defaults: unknown;
            description: string | null;
            fairness: string;
            max_backlog: number | null;
            name: string;
            /** @enum {string} */
            on_agent_loss: "wait" | "replace";
            overflow_after_seconds: number;
            paused: components["schemas"]["Hold"] | null;
            /** @enum {string} */
            preemption: "never" | "lower_priority";
            priority: number;
            /** @enum {string} */
            protocol: "berth" | "celery";
            quota: string | null;
            quotas: {
                [key: string]: string;
            };
            rate: string | null;
            reserve_after_seconds: number;
            resource: string | null;
            stats: components["schemas"]["QueueStats"];
            tags: string[];
            /** Format: date-time */
            updated_at: string;
            user: string | null;
            uuid: string;
            weights: {
                [key: string]: number;
            };
        };
        QueueStats: {
            admissible: number;
            backlog: number;
            consumers: number;
            dead_letters: number;
            failed_per_second: number;
            finished_per_second: number;
            in_flight: number;
            offered: number;
            oldest_seconds: number | null;
            priorities: {
                [key: string]: number;
            };
            series?: number[];
            started_per_second: number;
            submitted_per_second: number;
            wait_p50_seconds: number | null;
            wait_p95_seconds: number | null;
        };
        RetiredCredentials: {
            /** @description The agent's name */
            agent: string;
            /** Format: date-time */
            created_at: string;
            /** @description Who made them */
            created_by: string;
            /** @description Counts up with each */
            generation: number;
            /** @description What is left to do, if it does not */
            note: string | null;
            /** @description Whether the broker knows of it */
            on_broker: boolean;
            /** @description The user on the broker */
            user: string;
        };
        Saturation: {
            agent: string;
            in_flight: number;
            limit: number | null;
        };
        Series: {
            data: unknown;
            kind: string;
            name: string;
        };
        Token: {
            /** Format: date-time */
            created_at: string;
            expiration: number | null;
            /** Format: date-time */
            expires_at: string | null;
            key: string | null;
            name: string;
            scopes: string[];
            services: string[];
            /** Format: date-time */
            started_at: string | null;
            /** Format: date-time */
            updated_at: string;
            uuid: string;
        };
        Tree: {
            dirs: string[];
            files: {
                [key: string]: number;
            };
            is_cut?: boolean;
            is_done: boolean;
        };
        User: {
            email: string;
            kind: string;
            name: string;
            organization: string;
            theme: number;
            username: string;
        };
        Warning: {
            alert: string;
            message: string;
            name: string;
            object: components["schemas"]["AboutWhat"];
            runbook: string;
            /** @enum {string} */
            severity: "critical" | "warning";
            /** Format: date-time */
            since: string | null;
            threshold: number;
            value: number;
        };
    };
    responses: never;
    parameters: never;
    requestBodies: never;
    headers: never;
    pathItems: never;
}
export type $defs = Record<string, never>;
export type operations = Record<string, never>;
