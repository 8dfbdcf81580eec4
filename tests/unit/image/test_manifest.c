/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "common/err.h"
#include "runner/image/imgconfig.h"
#include "runner/image/manifest.h"

#define D1 "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define D2 "sha256:f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define CONFIG "\"config\":{\"mediaType\":\"" MEDIA_OCI_CONFIG "\",\"digest\":\"" D1 "\",\"size\":2}"

static int parse(const char *text, struct manifest *m, struct err *e)
{
	return manifest_parse(text, strlen(text), "it", NULL, m, e);
}

static void test_image(void **state)
{
	AUTO(manifest_clear) struct manifest m = { 0 };

	(void)state;
	assert_int_equal(parse("{" CONFIG ",\"layers\":[{\"digest\":\"" D2 "\",\"size\":7}]}", &m,
			       NULL), 0);
	assert_false(m.is_index);
	assert_string_equal(m.media, MEDIA_OCI_MANIFEST);
	assert_string_equal(m.config.digest, D1);
	assert_int_equal(m.n, 1);
	assert_string_equal(m.list[0].digest, D2);
	assert_int_equal(m.list[0].size, 7);
}

static const struct {
	const char *text;
	int code;
	const char *says;
} bad[] = {
	{ "", -EINVAL, "" },
	{ "[]", -EINVAL, "not a JSON object" },
	{ "{", -EINVAL, "line 1" },
	{ "{}", -EINVAL, "no image manifest" },
	{ "{\"schemaVersion\":1,\"fsLayers\":[]}", -EOPNOTSUPP, "schema 1" },
	{ "{\"config\":{}}", -EINVAL, "digest" },
	{ "{\"config\":{\"digest\":\"sha256:1\",\"size\":1}}", -EINVAL, "digest" },
	{ "{\"config\":{\"digest\":\"" D1 "\"}}", -EINVAL, "size" },
	{ "{\"config\":{\"digest\":\"" D1 "\",\"size\":-1}}", -EINVAL, "size" },
	{ "{\"config\":{\"digest\":\"" D1 "\",\"size\":\"1\"}}", -EINVAL, "size" },
	{ "{" CONFIG ",\"layers\":[1]}", -EINVAL, "digest" },
	{ "{" CONFIG ",\"layers\":[],\"manifests\":[]}", -EINVAL, "both" },
	{ "{\"config\":{\"mediaType\":\"application/vnd.cncf.helm.config.v1+json\",\"digest\":\"" D1
	  "\",\"size\":1}}", -EOPNOTSUPP, "helm" },
	{ "{" CONFIG ",\"layers\":[{\"mediaType\":\"application/vnd.docker.image.rootfs.foreign."
	  "diff.tar.gzip\",\"digest\":\"" D2 "\",\"size\":7}]}", -EOPNOTSUPP, "foreign" },
};

static void test_bad(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct manifest m = { 0 };
		struct err e = { 0 };

		if (parse(bad[i].text, &m, &e) != bad[i].code || !strstr(e.msg, bad[i].says))
			fail_msg("%s: '%s'", bad[i].text, e.msg);
		assert_null(m.list);
	}
}

static void test_too_many_layers(void **state)
{
	AUTO(strbuf_clear) struct strbuf b = { 0 };
	AUTO(manifest_clear) struct manifest m = { 0 };
	struct err e = { 0 };

	(void)state;
	(void)strbuf_adds(&b, "{" CONFIG ",\"layers\":[");
	for (int i = 0; i <= IMAGE_LAYERS_MAX; i++)
		(void)strbuf_addf(&b, "%s{\"digest\":\"" D2 "\",\"size\":7}", i ? "," : "");
	(void)strbuf_adds(&b, "]}");
	assert_int_equal(parse(b.s, &m, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "501"));
}

#define ENTRY(d, arch, variant) "{\"digest\":\"" d "\",\"size\":1,\"platform\":{\"os\":\"linux\"," \
	"\"architecture\":\"" arch "\",\"variant\":\"" variant "\"}}"

static void pick(const struct manifest *m, const char *arch, const char *variant, int code,
		 size_t which)
{
	const struct descriptor *d = NULL;
	struct platform want;
	struct err e = { 0 };

	platform_init(&want, NULL, arch, variant);
	assert_int_equal(manifest_pick(m, &want, "it", &d, &e), code);
	if (!code)
		assert_ptr_equal(d, &m->list[which]);
	else
		assert_non_null(strstr(e.msg, "arm/v6, linux/arm/v7"));
}

static void test_pick(void **state)
{
	AUTO(manifest_clear) struct manifest m = { 0 };

	(void)state;
	assert_int_equal(parse("{\"manifests\":[" ENTRY(D1, "arm", "v6") "," ENTRY(D2, "arm", "v7")
			       "," ENTRY(D1, "amd64", "") "," ENTRY(D2, "arm64", "v8") "]}", &m,
			       NULL), 0);
	assert_true(m.is_index);
	pick(&m, "arm", "v7", 0, 1);
	pick(&m, "arm", "v6", 0, 0);
	/* what is older runs, what is newer does not */
	pick(&m, "arm", "v8", 0, 0);
	pick(&m, "arm", "v5", -ENOENT, 0);
	pick(&m, "amd64", NULL, 0, 2);
	pick(&m, "amd64", "v3", 0, 2);
	pick(&m, "arm64", NULL, 0, 3);
	pick(&m, "s390x", NULL, -ENOENT, 0);
}

static void test_config(void **state)
{
	static const char text[] =
		"{\"architecture\":\"amd64\",\"os\":\"linux\",\"created\":\"2026-01-02T03:04:05Z\","
		"\"config\":{\"Entrypoint\":[\"/e\"],\"Cmd\":[\"a\",1,\"b\"],\"Env\":[\"A=1\"],"
		"\"ExposedPorts\":{\"80/tcp\":{},\"53/udp\":{}},\"Volumes\":{\"/v\":{}},"
		"\"Labels\":{\"k\":\"v\",\"n\":null},\"User\":\"33:33\",\"WorkingDir\":\"/w\","
		"\"StopSignal\":\"SIGQUIT\",\"Healthcheck\":{\"Test\":[\"CMD\",\"x\"],"
		"\"Interval\":5,\"Retries\":3}},"
		"\"rootfs\":{\"diff_ids\":[\"" D1 "\",\"" D2 "\"]},"
		"\"history\":[{\"created_by\":\"x\",\"empty_layer\":true}]}";
	AUTO(image_config_clear) struct image_config c = { 0 };

	(void)state;
	assert_int_equal(image_config_parse(text, strlen(text), "it", &c, NULL), 0);
	assert_int_equal(c.entrypoint.n, 1);
	assert_int_equal(c.cmd.n, 2);
	assert_string_equal(c.cmd.v[1], "b");
	assert_int_equal(c.exposed.n, 2);
	assert_string_equal(c.exposed.v[0], "80/tcp");
	assert_string_equal(c.volumes.v[0], "/v");
	assert_int_equal(c.n_labels, 2);
	assert_string_equal(c.labels[0].value, "v");
	assert_string_equal(c.labels[1].value, "");
	assert_string_equal(c.user, "33:33");
	assert_string_equal(c.workdir, "/w");
	assert_string_equal(c.stop_signal, "SIGQUIT");
	assert_int_equal(c.health.test.n, 2);
	assert_int_equal(c.health.interval_ns, 5);
	assert_int_equal(c.health.retries, 3);
	assert_int_equal(c.diff_ids.n, 2);
	assert_true(c.history[0].empty_layer);
}

static void test_config_strange(void **state)
{
	static const char *const fine[] = {
		"{}", "{\"config\":null}", "{\"config\":[]}", "{\"config\":{\"Cmd\":\"sh\"}}",
		"{\"config\":{\"Env\":{\"a\":1},\"Labels\":[],\"User\":5}}", "{\"rootfs\":5}",
	};
	static const char *const wrong[] = {
		"", "5", "{\"config\":{\"User\":\"a\\u0000b\"}}", "{\"rootfs\":{\"diff_ids\":[\"x\"]}}",
		"{\"rootfs\":{\"diff_ids\":[\"sha256:../../../../etc\"]}}",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(fine) / sizeof(fine[0]); i++) {
		AUTO(image_config_clear) struct image_config c = { 0 };

		assert_int_equal(image_config_parse(fine[i], strlen(fine[i]), "it", &c, NULL), 0);
		assert_null(c.user);
	}
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct image_config c = { 0 };
		struct err e = { 0 };

		assert_int_equal(image_config_parse(wrong[i], strlen(wrong[i]), "it", &c, &e),
				 -EINVAL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_image),  cmocka_unit_test(test_bad),
		cmocka_unit_test(test_too_many_layers), cmocka_unit_test(test_pick),
		cmocka_unit_test(test_config), cmocka_unit_test(test_config_strange),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
