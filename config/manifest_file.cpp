#include "config/manifest_file.hpp"

#include <google/protobuf/text_format.h>

#include <algorithm>
#include <set>
#include <system_error>
#include <utility>

#include "config/field_words.hpp"
#include "config/manifest.pb.h"
#include "config/text_reader.hpp"
#include "config/working_point_text.hpp"
#include "streams/whole_file.hpp"

namespace tamis::config {

namespace {

constexpr std::size_t kSha256Digits = 64;

bool is_sha256(std::string_view text) {
    return text.size() == kSha256Digits && std::all_of(text.begin(), text.end(), [](char c) {
               return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
           });
}

bool stays_inside(const std::filesystem::path& file) {
    return !file.is_absolute() &&
           std::none_of(file.begin(), file.end(), [](const auto& part) { return part == ".."; });
}

void check_edges(TextReader& reader, const Block& block, const char* low_field, double low,
                 const char* high_field, double high) {
    if (!(low < high)) {
        reader.add(block, high_field,
                   in_quotes(high_field) + " is not above " + in_quotes(low_field),
                   "a bin is low < value <= high");
    }
}

template <typename Bin>
void check_bin(TextReader& reader, const Block& block, const Bin& bin) {
    check_edges(reader, block, "et_low_gev", bin.et_low_gev(), "et_high_gev", bin.et_high_gev());
    check_edges(reader, block, "eta_low", bin.eta_low(), "eta_high", bin.eta_high());
}

template <typename Entries>
void check_unique_names(TextReader& reader, const char* field, const Entries& entries) {
    std::set<std::string_view> names;
    for (int i = 0; i < entries.size(); ++i) {
        if (entries[i].has_name() && !names.insert(entries[i].name()).second) {
            reader.add(
                reader.child(reader.root(), field, i), "name",
                in_quotes(entries[i].name()) + " is the name of two blocks " + in_quotes(field),
                "give each a name of its own");
        }
    }
}

void check_networks(TextReader& reader, const schema::Manifest& text) {
    for (int i = 0; i < text.network_size(); ++i) {
        const schema::Network& network = text.network(i);
        const Block block = reader.child(reader.root(), "network", i);
        if (network.has_file() && !stays_inside(network.file())) {
            reader.add(block, "file",
                       in_quotes(network.file()) + " leads out of the model's directory",
                       "put the network beside the manifest and name it without \"..\"");
        }
        if (network.has_sha256() && !is_sha256(network.sha256())) {
            reader.add(block, "sha256", "\"sha256\" is not a SHA-256",
                       "write 64 hexadecimal digits in lower case, as sha256sum prints them");
        }
        check_bin(reader, block, network);
    }
}

void check_working_points(TextReader& reader, const schema::Manifest& text) {
    for (int i = 0; i < text.working_point_size(); ++i) {
        const schema::WorkingPoint& point = text.working_point(i);
        const Block block = reader.child(reader.root(), "working_point", i);
        if (point.mu_low() > point.mu_high()) {
            reader.add(block, "mu_high", "\"mu_high\" is below \"mu_low\"",
                       "write the smaller one as mu_low");
        }
        for (int k = 0; k < point.bin_size(); ++k) {
            const schema::ThresholdBin& bin = point.bin(k);
            const Block place = reader.child(block, "bin", k);
            check_bin(reader, place, bin);
            check_edges(reader, place, "pileup_low", bin.pileup_low(), "pileup_high",
                        bin.pileup_high());
            if ((bin.has_offset_low() && bin.offset_low() > bin.offset()) ||
                (bin.has_offset_high() && bin.offset_high() < bin.offset())) {
                reader.add(place, "offset", "\"offset\" lies outside its own interval",
                           "write offset_low <= offset <= offset_high");
            }
        }
        if (int{point.has_wanted_fraction()} + int{point.has_wanted_efficiency()} +
                int{point.has_wanted_rate_hz()} >
            1) {
            reader.add(block.place, "this point wants more than one thing",
                       "keep one of wanted_fraction, wanted_efficiency and wanted_rate_hz");
        }
    }
}

void check_manifest(TextReader& reader, const schema::Manifest& text) {
    check_unique_names(reader, "feature", text.feature());
    check_unique_names(reader, "working_point", text.working_point());
    check_unique_names(reader, "parameter", text.parameter());
    for (int i = 0; i < text.feature_size(); ++i) {
        if (text.feature(i).scale() == 0) {
            reader.add(reader.child(reader.root(), "feature", i), "scale", "\"scale\" cannot be 0",
                       "values are divided by it: write a number that is not 0");
        }
    }
    check_networks(reader, text);
    check_working_points(reader, text);
    for (int i = 1; i < text.golden_size(); ++i) {
        const auto& first = text.golden(0);
        const auto& golden = text.golden(i);
        if (golden.input_size() != first.input_size() ||
            golden.output_size() != first.output_size()) {
            reader.add(reader.child(reader.root(), "golden", i).place,
                       "this golden row differs in length from the first",
                       "all rows have the model's inputs and its score columns");
        }
    }
}

models::Manifest manifest_of(const schema::Manifest& text) {
    models::Manifest manifest;
    manifest.name = text.name();
    manifest.version = text.version();
    manifest.kind = text.kind();
    manifest.schema = text.schema();
    for (const schema::Feature& from : text.feature()) {
        manifest.features.push_back({from.name(), from.unit(), from.offset(), from.scale()});
    }
    for (const schema::Network& from : text.network()) {
        models::NetworkFile& network = manifest.networks.emplace_back();
        network.file = from.file();
        network.sha256 = from.sha256();
        copy_edges(from, network);
    }
    for (const schema::WorkingPoint& from : text.working_point()) {
        manifest.working_points.push_back(working_point_of(from));
    }
    for (const schema::Parameter& from : text.parameter()) {
        manifest.parameters.push_back({from.name(), {from.value().begin(), from.value().end()}});
    }
    const schema::Provenance& origin = text.provenance();
    manifest.provenance = {origin.command(),
                           origin.seed(),
                           origin.data(),
                           origin.build(),
                           {origin.report().begin(), origin.report().end()}};
    for (const schema::Golden& from : text.golden()) {
        manifest.golden.push_back({{from.input().begin(), from.input().end()},
                                   {from.output().begin(), from.output().end()},
                                   from.relative_tolerance()});
    }
    return manifest;
}

schema::Manifest schema_of(const models::Manifest& manifest) {
    schema::Manifest text;
    text.set_name(manifest.name);
    text.set_version(manifest.version);
    text.set_kind(manifest.kind);
    text.set_schema(manifest.schema);
    for (const models::FeatureSpec& from : manifest.features) {
        schema::Feature& feature = *text.add_feature();
        feature.set_name(from.name);
        feature.set_unit(from.unit);
        feature.set_offset(from.offset);
        feature.set_scale(from.scale);
    }
    for (const models::NetworkFile& from : manifest.networks) {
        schema::Network& network = *text.add_network();
        network.set_file(from.file);
        network.set_sha256(from.sha256);
        write_edges(from, network);
    }
    for (const models::WorkingPoint& from : manifest.working_points) {
        write_working_point(from, *text.add_working_point());
    }
    for (const models::Parameter& from : manifest.parameters) {
        schema::Parameter& parameter = *text.add_parameter();
        parameter.set_name(from.name);
        parameter.mutable_value()->Add(from.values.begin(), from.values.end());
    }
    const models::Provenance& origin = manifest.provenance;
    schema::Provenance& provenance = *text.mutable_provenance();
    provenance.set_command(origin.command);
    provenance.set_seed(origin.seed);
    provenance.set_data(origin.data);
    provenance.set_build(origin.build);
    for (const std::string& line : origin.report) {
        provenance.add_report(line);
    }
    for (const models::GoldenVector& from : manifest.golden) {
        schema::Golden& golden = *text.add_golden();
        golden.mutable_input()->Add(from.input.begin(), from.input.end());
        golden.mutable_output()->Add(from.output.begin(), from.output.end());
        golden.set_relative_tolerance(from.relative_tolerance);
    }
    return text;
}

}  // namespace

tl::expected<models::Manifest, Mistakes> parse_manifest(std::string text, const std::string& file) {
    schema::Manifest message;
    TextReader reader(file, std::move(text), message);
    if (reader.is_structured()) {
        check_manifest(reader, message);
    }
    if (reader.has_mistakes()) {
        return tl::make_unexpected(reader.take_mistakes());
    }
    return manifest_of(message);
}

tl::expected<models::Manifest, Mistakes> read_manifest(const std::filesystem::path& file) {
    return read_text(file).and_then(
        [&](std::string text) { return parse_manifest(std::move(text), file.string()); });
}

tl::expected<models::Manifest, Mistakes> read_model_directory(
    const std::filesystem::path& directory) {
    std::error_code error;
    if (!std::filesystem::is_directory(directory, error)) {
        return tl::make_unexpected(
            Mistakes{{directory.string(), 1, 1,
                      "no such directory (tried " +
                          std::filesystem::absolute(directory, error).string() + ")",
                      "give the directory in which the model's " + std::string(kManifestFileName) +
                          " lies"}});
    }
    return read_manifest(directory / kManifestFileName);
}

std::string manifest_text(const models::Manifest& manifest) {
    google::protobuf::TextFormat::Printer printer;
    printer.SetUseShortRepeatedPrimitives(true);
    printer.SetUseUtf8StringEscaping(true);
    std::string text;
    printer.PrintToString(schema_of(manifest), &text);
    return "# A model's manifest; config/manifest.proto explains its fields.\n" + text;
}

tl::expected<void, std::string> write_manifest(const models::Manifest& manifest,
                                               const std::filesystem::path& file) {
    const std::string text = manifest_text(manifest);
    // What could not be read again must not be written.
    if (const auto read_back = parse_manifest(text, file.string()); !read_back) {
        return tl::make_unexpected("the manifest is not complete (" +
                                   to_string(read_back.error().front()) + ")");
    }
    return streams::write_whole_file(file, text);
}

}  // namespace tamis::config
