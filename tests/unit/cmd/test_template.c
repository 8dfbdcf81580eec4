/* SPDX-License-Identifier: Apache-2.0
 *
 * template: what people give to --format, as Docker's pages show it
 */
#include <errno.h>
#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "common/err.h"
#include "common/str.h"
#include "runner/cmd/template.h"

static const char object[] =
	"{\"Name\":\"web\",\"N\":3,\"No\":false,\"Yes\":true,\"Nil\":null,\"Empty\":\"\","
	"\"List\":[\"a\",\"b\"],\"None\":[],\"Labels\":{\"x.y\":\"1\"},"
	"\"Net\":{\"Ports\":{\"80/tcp\":[{\"HostIp\":\"0.0.0.0\",\"HostPort\":\"8080\"}]}}}";

static void test_good(void **state)
{
	static const struct {
		const char *tmpl, *want;
	} rows[] = {
		{ "", "" },
		{ "plain", "plain" },
		{ "{{.Name}} {{ .N }}", "web 3" },
		{ "{{.Yes}}{{.No}}{{.Nil}}", "truefalse<nil>" },
		{ "{{.List}} {{.Labels}}", "[a b] map[x.y:1]" },
		{ "a\\tb", "a\tb" },
		{ "{{json .List}}", "[\"a\",\"b\"]" },
		{ "{{.List | json}}", "[\"a\",\"b\"]" },
		{ "{{.List | len | json}}", "2" },
		{ "{{index .List 1}}", "b" },
		{ "{{index .Labels \"x.y\"}}", "1" },
		{ "{{index .Labels \"missing\"}}", "" },
		{ "{{len .List}}{{len .Name}}", "23" },
		{ "{{upper .Name}}{{lower \"AB\"}}", "WEBab" },
		{ "{{join .List \",\"}}", "a,b" },
		{ "{{split \"a:b\" \":\"}}", "[a b]" },
		{ "{{range .List}}<{{.}}>{{end}}", "<a><b>" },
		{ "{{range .None}}x{{else}}none{{end}}", "none" },
		{ "{{range $i, $v := .List}}{{$i}}={{$v}} {{end}}", "0=a 1=b " },
		{ "{{range $v := .List}}{{$v}}{{$.Name}}{{end}}", "awebbweb" },
		{ "{{range $p, $c := .Net.Ports}}{{$p}} -> {{(index $c 0).HostPort}}{{end}}",
		  "80/tcp -> 8080" },
		{ "{{(index (index .Net.Ports \"80/tcp\") 0).HostPort}}", "8080" },
		{ "{{range $p, $c := .Net.Ports}}{{range $c}}{{$p}}{{.HostIp}}{{end}}{{end}}",
		  "80/tcp0.0.0.0" },
		{ "{{if .Yes}}y{{end}}{{if .No}}n{{end}}", "y" },
		{ "{{if .Empty}}a{{else if .No}}b{{else if .Yes}}c{{else}}d{{end}}!", "c!" },
		{ "{{if .No}}{{if .Yes}}a{{else}}b{{end}}{{else}}c{{end}}", "c" },
		{ "{{if .Yes}}a{{else if .Nope}}b{{end}}!", "a!" },
		{ "{{if eq .Name \"web\"}}y{{end}}{{if ne .N 3}}n{{end}}", "y" },
		{ "{{if and .Yes (not .No)}}y{{end}}{{or .Empty \"z\"}}", "yz" },
		{ "{{with .Net}}{{len .Ports}}{{end}}{{with .Nil}}x{{else}}y{{end}}", "1y" },
		{ "{{print .Name \"x\"}}", "web x" },
		{ "{{println .Name}}", "web\n" },
		{ "{{\"}}\"}}{{`a\\tb`}}", "}}a\\tb" },
		{ "a {{- .Name -}} b", "awebb" },
		{ "{{$}}", NULL },
	};
	json_t *o = json_loads(object, 0, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(strbuf_clear) struct strbuf b = { 0 };
		struct err e = { 0 };

		if (template_expand(rows[i].tmpl, o, &b, &e) != 0)
			fail_msg("%s: %s", rows[i].tmpl, e.msg);
		if (rows[i].want)
			assert_string_equal(b.s ? b.s : "", rows[i].want);
	}
	json_decref(o);
}

static void test_bad(void **state)
{
	static const struct {
		const char *tmpl;
		int code;
	} rows[] = {
		{ "{{", -EINVAL },
		{ "{{}}", -EINVAL },
		{ "{{.Nope}}", -ENOENT },
		{ "{{.Net.Nope}}", -ENOENT },
		{ "{{.Name.Nope}}", -ENOENT },
		{ "{{nope .Name}}", -EINVAL },
		{ "{{.Name .N}}", -EINVAL },
		{ "{{.Name | nope}}", -EINVAL },
		{ "{{.Name |}}", -EINVAL },
		{ "{{json}}", -EINVAL },
		{ "{{json .N .N}}", -EINVAL },
		{ "{{(.Name}}", -EINVAL },
		{ "{{\"a}}", -EINVAL },
		{ "{{$nope}}", -EINVAL },
		{ "{{99999999999}}", -EINVAL },
		{ "{{if .Yes}}", -EINVAL },
		{ "{{range .List}}x", -EINVAL },
		{ "{{range .Name}}x{{end}}", -EINVAL },
		{ "{{range $v := .List}}{{end}}{{$v}}", -EINVAL },
		{ "{{end}}", -EINVAL },
		{ "{{else}}", -EINVAL },
		{ "{{if .No}}a{{else nonsense}}b{{end}}", -EINVAL },
		{ "{{((((((((((((((((((((((((((((((((((((((((.N))))))))))))))))))))))))))))))))))))))))}}",
		  -EINVAL },
	};
	json_t *o = json_loads(object, 0, NULL);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		AUTO(strbuf_clear) struct strbuf b = { 0 };
		struct err e = { 0 };

		if (template_expand(rows[i].tmpl, o, &b, &e) != rows[i].code)
			fail_msg("%s: %d %s", rows[i].tmpl, e.code, e.msg);
		assert_null(strchr(e.msg, '\n'));
	}
	json_decref(o);
}

static void test_table(void **state)
{
	json_t *list = json_array();
	struct err e = { 0 };

	(void)state;
	assert_int_equal(template_table("{{.Nope}}", NULL, list, &e), 0);
	(void)json_array_append_new(list, json_object());
	assert_int_equal(template_table("{{.Nope}}", NULL, list, &e), -ENOENT);
	json_decref(list);
}

static void test_text(void **state)
{
	static const struct {
		const char *s, *want;
	} rows[] = { { NULL, "" }, { "\xc3\xa4", "\xc3\xa4" }, { "A=\xff\xc3\xa4!", "A=?\?\?!" } };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *v = template_text(rows[i].s);

		assert_string_equal(json_string_value(v), rows[i].want);
		json_decref(v);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_table),
		cmocka_unit_test(test_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
